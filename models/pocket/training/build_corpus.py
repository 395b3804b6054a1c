"""Composes conversations about winds from corpus/*.yaml.

The files hold facts (wind x attribute), questions written for each fact, phrasings of questions per attribute, small talk
and off-topic questions; this module multiplies them into an endless, seeded stream of conversations of one to six turns.
What is marked `held`, and one of the questions written for each fact, is never used unless a Sampler is made with
held=True, which is how evaluate.py asks questions the model has not seen.

    python build_corpus.py --sample 20      print conversations
    python build_corpus.py --stats          count facts and questions
"""
import argparse
import random

from comparing import WEIGHTS, Comparing
from facts import FALLBACK, MISTRAL_ONLY, RING, Entity, load
from noise import Typist
from offtopic import OffTopic
from phrasing import Phrasing
from written import Written

WEIGHT = {'mistral': 4.5, 'sirocco': 1.8, 'bora': 1.8, 'foehn': 1.8, 'trade-winds': 1.8, 'monsoon': 1.8,
          'katabatic': 1.8, 'sea-breeze': 1.8, 'beaufort': 1.4, 'wind': 2.0}
ATTR_WEIGHT = {'what': 2.2, 'form': 1.8, 'where': 1.5}
WHY = ['Why?', 'Why?', 'Why?', 'But why?', 'And why?', 'Why is that?', 'why', 'Why so?', 'How come?']
WHY_OFF = ['Why?', 'Why not?', 'But why?', 'Why is that?', 'And why?', 'Why only winds?']
# What a conversation turns to when it does not follow up, and how often; `described` is never held out.
NEW = {'wind': 56, 'town': 8, 'described': 3, 'which': 4, 'pair': 6, 'item': 6, 'force': 4, 'off': 9, 'chat': 9}


class Sampler:
    def __init__(self, seed, held=False, noise=True):
        self.r = r = random.Random(seed)
        self.held, self.noise = held, noise
        self.entities = [Entity(d) for d in load('winds.yaml') + load('concepts.yaml')]
        self.by_id = {e.id: e for e in self.entities}
        self.weights = {e.id: WEIGHT.get(e.id, 1.0 if len(e.facts) > 3 else 0.6) for e in self.entities}
        self.t, self.g = load('templates.yaml'), load('general.yaml')
        self.written = Written(r, self.entities, held)
        self.phrasing = Phrasing(r, self.t, self.written, held)
        self.typist = Typist(r, self.t, self.g, held, noise)
        self.off = OffTopic(r, load('offtopic.yaml'), self.written.offtopic, self.phrasing.ask, self.phrasing.question)
        self.comparing = Comparing(load('pairs.yaml'), self.g['items'])
        self.windy = [e for e in self.entities if e.towns]
        self.described = [e for e in self.entities if e.which]

    # --- one turn of each kind: (question, answer, kind); kind names the fact or class for evaluation ---
    def entity(self, among=None):
        among = among or self.entities
        return self.r.choices(among, [self.weights[e.id] for e in among])[0]

    def attribute(self, e):
        attrs = [a for a in self.t['attributes'] if a in e.facts]
        if not self.held and self.r.random() < 0.04:
            attrs = [a for a in RING + ['duration'] if a not in e.facts] or attrs
        return self.r.choices(attrs, [ATTR_WEIGHT.get(a, 1.0) for a in attrs])[0]

    def wind(self):
        e = self.entity()
        asked = self.attribute(e)
        return self.about(e, asked, self.phrasing.question(e, asked, 'direct'), 'direct')

    def about(self, e, asked, q, mode):
        """A turn that the conversation can follow up: the wind and the attribute answered are kept."""
        text, attr = e.answer(asked)
        self.e, self.last = e, attr
        return q[0].upper() + q[1:] if mode != 'which' else q, text, f'{e.id}/{attr}/{mode}'

    def town(self):
        r = self.r
        if not self.held and r.random() < 0.08:
            place = self.off.pseudo_word().title() if r.random() < 0.3 else r.choice(self.g['no_wind']['places'])
            self.e = None
            return r.choice(self.t['town']['what']).format(T=place), self.g['no_wind']['a'], 'no-wind'
        e = self.entity(self.windy)
        town = r.choice(e.towns)
        if self.held or r.random() < 0.7:
            q = r.choice(self.t['town']['held_what' if self.held else 'what']).format(T=town)
            return self.about(e, 'what', q, 'town')
        q = r.choice(self.t['town']['where']).format(T=town, **self.phrasing.slots(e, False))
        return self.about(e, 'cities' if 'cities' in e.facts else 'where', q, 'town')

    def description(self):
        while True:
            e = self.entity(self.described)
            q = self.phrasing.described(e)
            if q:
                return self.about(e, 'what', q, 'which')

    def which(self):
        e = self.entity(self.described)
        q = self.r.choice(e.which)
        attr, q = q.split('| ') if '| ' in q else ('what', q)
        return self.about(e, attr, q, 'which')

    def pair(self):
        r = self.r
        kind = r.choices(list(WEIGHTS), WEIGHTS.values())[0]
        able = [e for e in self.entities if e.id in self.comparing.ids[kind]]
        x = y = self.entity(able)
        while x is y:
            y = self.entity(able)
        bare = r.random() < 0.12
        name = lambda e: e.names[0] if bare else self.phrasing.slots(e, False)['E']
        q = r.choice(self.t['pair'][('held_' if self.held else '') + kind]).format(X=name(x), Y=name(y))
        self.e = None
        return q[0].upper() + q[1:], self.comparing.answer(x, y, kind), 'pair/' + kind

    def item(self):
        g = self.r.choice(self.g['items'])
        written = self.written.general.get(g['a'])
        self.e = None
        return self.r.choice(written) if written and self.r.random() < 0.6 else self.phrasing.pick(g, 'q'), g['a'], 'general'

    def beaufort(self):
        r = self.r
        self.force = n = r.randrange(13)
        name, _, sign = self.g['beaufort'][n]
        pool = 'named' if not self.held and r.random() < 0.25 else 'train'
        q = self.phrasing.pick(self.t['beaufort'], pool).format(n=n, name=name, sign=sign)
        if n in self.written.forces and r.random() < 0.5:
            q = r.choice(self.written.forces[n])
        self.e = None
        return q, self.force_answer(n), f'force/{n}'

    def force_answer(self, n):
        name, speed, sign = self.g['beaufort'][n]
        return f'Force {n} on the Beaufort scale is {name}, {speed}: {sign}.'

    def off_topic(self):
        self.is_off = True
        answers = self.g['offtopic']['answers']
        answer = answers[0] if self.held else self.r.choices(answers, [0.85, 0.15])[0]
        return self.off.held() if self.held else self.off.train(), answer, 'off'

    def chat(self):
        """Small talk. The questions of `lost` ones make sense only while no wind has been named."""
        r = self.r
        c = r.choice([c for c in self.g['chat'] if self.e is None and not self.was_off or not c.get('lost')])
        clauses = self.t['chat'].get(c['id'])
        if c['id'] == 'language' and not self.held and r.random() < 0.4:
            q = self.off.foreign()
        elif clauses and r.random() < 0.3:
            clause = r.choice(clauses)
            q = r.choice(self.t['wrappers']['held']).format(clause) if self.held else self.phrasing.ask(clause)
        elif c['id'] in self.written.chat and r.random() < 0.4:
            q = r.choice(self.written.chat[c['id']])
        else:
            q = self.phrasing.pick(c, 'q')
        if c['id'] in ('random', 'favourite'):
            self.e, self.last = (self.by_id['chinook'], 'more') if c['id'] == 'random' else (self.by_id['mistral'], 'what')
        return q, c['a'], 'chat/' + c['id']

    # --- follow-ups ---
    def follow_up(self):
        """A turn that needs the one before, or None."""
        r, roll, last_kind = self.r, self.r.random(), self.last_kind
        if last_kind.startswith('force/') and roll < 0.5:
            self.force = n = r.randrange(13)
            return r.choice(self.t['beaufort']['follow']).format(n=n), self.force_answer(n), f'force/{n}'
        if last_kind == 'off/why' and roll < 0.15:
            return r.choice(WHY), self.g['offtopic']['why'], 'off/why'
        if self.was_off:
            short = lambda: self.phrasing.pick(self.t['attributes']['form'], 'short', 'held_short')
            return (short() if roll < 0.03 else r.choice(WHY_OFF), self.g['offtopic']['why'], 'off/why') if roll < 0.12 else None
        if self.e is None:
            return None
        if self.last == 'form' and roll < 0.10:  # asked why again: the cause again
            return self.about(self.e, 'form', r.choice(WHY), 'short')
        return self.same_or_other_wind() if roll < 0.62 else None

    def same_or_other_wind(self):
        r, e, roll = self.r, self.e, self.r.random()
        if roll < 0.20:  # another wind, the same attribute
            other = self.entity()
            if other is not e:
                attr = self.last if self.last not in MISTRAL_ONLY and self.last != 'duration' else 'what'
                return self.about(other, attr, self.phrasing.pick(self.t['about'], 'train').format(**self.phrasing.slots(other, False)), 'about')
        if roll < 0.36:
            q = self.phrasing.question(e, 'more', 'short') if r.random() < 0.3 else self.phrasing.short(e, self.t['attributes']['more'])
            return self.about(e, e.next_more(self.last), q, 'more')
        asked = self.attribute(e)
        if asked == 'form' and self.last == 'strength' and 'valley' in e.facts:
            asked = 'valley'
        return self.about(e, asked, self.phrasing.question(e, asked, r.choice(['short', 'short', 'pronoun'])), 'short')

    def conversation(self, max_turns=6):
        """A list of (question, answer, kind)."""
        r = self.r
        self.e = self.last = None
        self.is_off, self.last_kind, turns = False, '', []
        make = {'wind': self.wind, 'town': self.town, 'described': self.description, 'which': self.which, 'pair': self.pair,
                'item': self.item, 'force': self.beaufort, 'off': self.off_topic, 'chat': self.chat}
        kinds = [k for k in NEW if not (self.held and k == 'described')]
        for _ in range(min(r.choices([1, 2, 3, 4, 5, 6], [26, 24, 19, 14, 9, 8])[0], max_turns)):
            self.was_off, self.is_off = self.is_off, False
            turn = turns and self.follow_up() or make[r.choices(kinds, [NEW[k] for k in kinds])[0]]()
            q, a, self.last_kind = turn
            foreign = self.last_kind == 'chat/language' and not q.isascii()
            turns.append((q if foreign else self.typist.dress(q), a, self.last_kind))
        if self.noise and r.random() < 0.05:
            q, a, kind = turns[0]
            turns[0] = (r.choice(self.g['system_held' if self.held else 'system']) + '\n\n' + q, a, kind)
        return turns

    def all_answers(self):
        out = [(f'{e.id}/{a}', t) for e in self.entities for a, t in e.facts.items()]
        out += [('general', g['a']) for g in self.g['items']] + [('chat/' + c['id'], c['a']) for c in self.g['chat']]
        out += [(f'force/{n}', self.force_answer(n)) for n in range(13)] + [('no-wind', self.g['no_wind']['a'])]
        return out + [('off', a) for a in self.g['offtopic']['answers']] + [('off/why', self.g['offtopic']['why'])]


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--sample', type=int, default=0)
    p.add_argument('--held', action='store_true')
    p.add_argument('--stats', action='store_true')
    a = p.parse_args()
    s = Sampler(1, held=a.held)
    for _ in range(a.sample):
        for q, text, kind in s.conversation():
            print(f'[{kind}] {q}\n    {text}')
        print()
    if a.stats:
        facts = [k for k, _ in s.all_answers() if '/' in k and not k.startswith(('chat', 'off'))]
        t = s.t['attributes'].values()
        print(f'{len(facts)} facts about {len(s.entities)} winds and ideas')
        print('phrasings, train:', sum(len(x.get(k, [])) for x in t for k in ('direct', 'indirect', 'short', 'named')),
              'held out:', sum(len(x.get(k, [])) for x in t for k in ('held', 'held_short')))
        tables = (s.written.asked, s.written.then)
        print('written by hand:', *(sum(len(q) for e in table.values() for q in e.values()) for table in tables))
        missing = [f'{e.id}/{k}' for e in s.entities for k in e.facts if not s.written.asked.get(e.id, {}).get(k)]
        print('facts without questions of their own:', *missing)


if __name__ == '__main__':
    main()
