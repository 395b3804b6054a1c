"""Composes conversations about winds from corpus/*.yaml.

The files hold facts (wind x attribute), phrasings of questions per attribute, small talk and off-topic questions; this
module multiplies them into an endless, seeded stream of conversations of one to six turns. Phrasings marked `held` are
never used unless a Sampler is made with held=True, which is how evaluate.py asks questions the model has not seen.

    python build_corpus.py --sample 20      print conversations
    python build_corpus.py --stats          count facts, phrasings and distinct question-answer pairs
"""
import argparse
import random
import re
import unicodedata
from pathlib import Path

import yaml

CORPUS = Path(__file__).parent / 'corpus'
MISTRAL_ONLY = ['sky', 'farms', 'houses', 'people', 'valley', 'low', 'sea', 'cities']
# "Tell me more" walks round this ring to the next attribute the wind has.
RING = ['what', 'more', 'effect', 'name', 'when', 'strength', 'nature', 'form', 'where', 'direction']
# A question about an attribute a wind does not have is answered by the nearest one it has.
FALLBACK = {'duration': ['when', 'what'], 'direction': ['where', 'what'], 'effect': ['more', 'what'],
            'more': ['effect', 'name', 'form', 'what'], 'people': ['effect', 'what'], 'sky': ['effect', 'what'],
            'valley': ['form', 'what'], 'sea': ['effect', 'what'], 'cities': ['where', 'what'],
            'farms': ['effect', 'what'], 'houses': ['effect', 'what']}
WEIGHT = {'mistral': 7.0, 'sirocco': 2.2, 'bora': 2.2, 'foehn': 2.2, 'trade-winds': 2.2, 'monsoon': 2.2,
          'katabatic': 2.2, 'sea-breeze': 2.2, 'beaufort': 1.6, 'wind': 2.2}
ATTR_WEIGHT = {'what': 3.0, 'form': 2.5, 'where': 2.0, 'when': 1.3, 'strength': 1.3, 'name': 1.3, 'effect': 1.3}


def load(name):
    return yaml.safe_load((CORPUS / name).read_text(encoding='utf8'))


def without_accents(text):
    return ''.join(c for c in unicodedata.normalize('NFD', text) if not unicodedata.combining(c))


class Entity:
    """One wind or idea with its facts and its grammar."""

    def __init__(self, d):
        self.id, self.names = d['id'], d['names']
        self.article = d.get('article', 'the')
        self.an = d.get('an', False)
        self.plural = d.get('plural', False)
        self.which, self.towns = d.get('which', []), d.get('towns', [])
        self.facts = {k: v for k, v in d.items() if k in RING or k in MISTRAL_ONLY or k == 'duration'}

    def answer(self, attr):
        for a in [attr] + FALLBACK.get(attr, ['what']):
            if a in self.facts:
                return self.facts[a], a
        raise KeyError(attr)

    def next_more(self, last):
        i = RING.index(last) if last in RING else 0
        for step in range(1, len(RING) + 1):
            a = RING[(i + step) % len(RING)]
            if a in self.facts and a != last:
                return a
        return 'what'


class Sampler:
    def __init__(self, seed, held=False, noise=True):
        self.r = random.Random(seed)
        self.held, self.noise = held, noise
        self.entities = [Entity(d) for d in load('winds.yaml') + load('concepts.yaml')]
        self.by_id = {e.id: e for e in self.entities}
        self.weights = [WEIGHT.get(e.id, 1.0 if len(e.facts) > 3 else 0.6) for e in self.entities]
        self.t = load('templates.yaml')
        self.g = load('general.yaml')
        self.o = load('offtopic.yaml')
        self.pairs = load('pairs.yaml')
        self.pair_items = {frozenset(g['pair']): g['a'] for g in self.g['items'] if 'pair' in g}
        self.briefs = [e for e in self.entities if e.id in self.pairs['brief']]
        self.windy = [e for e in self.entities if e.towns]

    # --- one question about one wind ---
    def pick(self, d, key, held_key=None):
        return self.r.choice(d[held_key or 'held'] if self.held and d.get(held_key or 'held') else d[key])

    def entity(self):
        return self.r.choices(self.entities, self.weights)[0]

    def attribute(self, e):
        attrs = [a for a in self.t['attributes'] if a in e.facts]
        if not self.held and self.r.random() < 0.04:
            attrs = [a for a in RING + ['duration'] if a not in e.facts] or attrs
        return self.r.choices(attrs, [ATTR_WEIGHT.get(a, 1.0) for a in attrs])[0]

    def slots(self, e, pronoun):
        name = e.names[0] if self.r.random() < 0.6 else self.r.choice(e.names)
        plural = e.plural
        if pronoun:
            subject, obj = ('they', 'them') if plural else ('it', 'it')
        else:
            # A user may type "katabatic winds" or "typhoon": grammar follows the form that is used.
            plural = plural or bool(re.search(r'(winds|breezes|gusts|squalls|roses|vanes|gales|knots|oes|canes|[bcdhlnmrtv]s)$', name)
                                    and name != e.names[0] and e.article != 'the')
            article = '' if e.article == 'none' or plural and e.article == 'a' else e.article
            if article == 'the' and not plural and self.r.random() < 0.12:
                article = 'a'
            if article == 'a' and (e.an or name[0] in 'aeiou'):
                article = 'an'
            if self.r.random() < 0.06:
                article = ''
            subject = obj = f'{article} {name}'.strip()
        if plural:
            return dict(E=subject, O=obj, N=name, **{'is': 'are', 'do': 'do', 's': '', 'es': ''})
        return dict(E=subject, O=obj, N=name, **{'is': 'is', 'do': 'does', 's': 's', 'es': 'es'})

    def question(self, e, attr, mode):
        """mode: direct (names the wind), pronoun, short (names nothing)."""
        t = self.t['attributes'][attr]
        if mode == 'short' and t.get('short'):
            q = self.pick(t, 'short', 'held_short')
            if not self.held and 'its' in t and self.r.random() < 0.2:
                q = self.r.choice(self.t['its']).format(self.r.choice(t['its']))
            if e.plural:
                q = re.sub(r'\bits\b', 'their', re.sub(r'\bit\b', 'they', q.replace('does it', 'do they').replace('s it ', 're they ')
                                                       .replace('Is it', 'Are they').replace('causes it', 'causes them')))
                q = q.replace('Ire they', 'Are they').replace('ire they', 'are they')
            return q
        s = self.slots(e, mode != 'direct')
        roll = self.r.random()
        if self.held:
            if 'indirect' in t and roll < 0.3:
                q = self.r.choice(self.t['wrappers']['held']).format(self.r.choice(t['indirect']).format(**s))
            else:
                q = self.r.choice(t['held']).format(**s)
        elif mode == 'direct' and 'named' in t and roll < 0.09:
            q = self.r.choice(t['named']).format(**s)
        elif 'indirect' in t and roll < 0.27:
            q = self.ask(self.r.choice(t['indirect']).format(**s))
        elif roll < 0.40 and 'np' in t:
            np = self.r.choice(t['np'])
            if mode == 'direct' or '{N}' not in np:
                q = self.r.choice(self.t['np']).format(np.format(**s))
            else:
                q = self.r.choice(self.t['its']).format(self.r.choice(t['its']))
        elif roll < 0.47 and mode == 'direct' and 'keys' in t:
            q = self.jumble(s, self.r.choice(t['keys']))
        else:
            pool = t['direct'] if mode == 'direct' else [x for x in t['direct'] if '{N}' not in x]
            q = self.r.choice(pool).format(**s)
        return q[0].upper() + q[1:]

    def ask(self, clause):
        """An indirect question around a clause: one of the written wrappers, or one put together."""
        r, roll = self.r, self.r.random()
        if roll < 0.5:
            return r.choice(self.t['wrappers']['train']).format(clause)
        if roll < 0.8:
            return f"{r.choice(self.t['openers'])} {r.choice(self.t['verbs'])} {clause}{r.choice('?.')}"
        return f"{r.choice(self.t['knowing'])} {clause}."

    def jumble(self, s, key):
        """A wind and a key word among small words in any order: what is asked must not hang on the frame."""
        r = self.r
        parts = [s['E'] if r.random() < 0.6 else s['N'], key]
        r.shuffle(parts)
        words = lambda n: [r.choice(self.t['chatter']) for _ in range(r.randint(0, n))]
        return ' '.join(words(4) + [parts[0]] + words(3) + [parts[1]] + words(2)) + r.choice(['?', '?', '', '.'])

    def described(self):
        """(wind, attribute, question) asking which wind a part of a fact is about."""
        r = self.r
        while True:
            e = self.entity()
            attr = r.choice([a for a in ('what', 'what', 'where', 'effect', 'form', 'more') if a in e.facts])
            m = re.match(f"(The|An?) {re.escape(e.names[0])} (.*)\\.$", e.facts[attr])
            if not e.which or not m or '. ' in m[2]:
                continue
            text = m[2]
            if r.random() < 0.6:
                part = re.split(', ', text)[0]
                text = part if len(part.split()) > 4 else text
            kind = re.match(r'is (an? .*)', text)
            if attr == 'what' and kind and r.random() < 0.7:
                q = r.choice(['What is {} called?', 'What do you call {}?', 'What is the name of {}?', 'What do people call {}?',
                              'How do you call {}?', 'I am looking for {}.', 'Which one is {}?', 'Name {}.', 'What is {}?', 'Do you know {}?',
                              'What is the word for {}?']).format(kind[1])
                return e, 'what', q
            frame = ['Which wind {}?', 'Which wind {}?', 'What wind {}?', 'Name the wind that {}.', 'What is the name of the wind that {}?', 'What is the wind called that {}?',
                     'I am looking for the wind that {}.', 'Do you know a wind that {}?', 'Is there a wind that {}?', 'Which of the winds {}?', 'Tell me which wind {}.', 'What do you call a wind that {}?']
            return e, 'what', r.choice(frame).format(text)

    # --- two winds, a wind and a town ---
    def pair_answer(self, x, y, kind):
        item = self.pair_items.get(frozenset((x.id, y.id)))
        if item and kind == 'differ':
            return item
        name = lambda e: (e.article + ' ' if e.article != 'none' else '') + e.names[0]
        for text, *ids in self.pairs['kin']:
            if kind == 'common' and x.id in ids and y.id in ids:
                out = f'{name(x)} and {name(y)} are both {text}.'
                break
        else:
            brief = self.pairs['brief']
            out = f'{name(x)} {brief[x.id]}, while {name(y)} {brief[y.id]}.'
            if kind == 'common':
                return 'Both are winds, but ' + out
        return out[0].upper() + out[1:]

    def pair(self):
        x = y = None
        while x is y:
            x, y = self.r.choices(self.briefs, [WEIGHT.get(e.id, 1.0) for e in self.briefs], k=2)
        kind = 'differ' if self.r.random() < 0.6 else 'common'
        pool = self.t['pair'][('held_' if self.held else '') + kind]
        bare = self.r.random() < 0.12
        name = lambda e: e.names[0] if bare else self.slots(e, False)['E']
        q = self.r.choice(pool).format(X=name(x), Y=name(y))
        return q[0].upper() + q[1:], self.pair_answer(x, y, kind), kind

    def town(self):
        """(wind, attribute, question) about a place; the wind is None where none is known."""
        if not self.held and self.r.random() < 0.08:
            place = self.pseudo_word().title() if self.r.random() < 0.3 else self.r.choice(self.g['no_wind']['places'])
            return None, None, self.r.choice(self.t['town']['what']).format(T=place)
        e = self.r.choices(self.windy, [WEIGHT.get(e.id, 1.0) for e in self.windy])[0]
        town = self.r.choice(e.towns)
        if self.held or self.r.random() < 0.7:
            return e, 'what', self.r.choice(self.t['town']['held_what' if self.held else 'what']).format(T=town)
        q = self.r.choice(self.t['town']['where']).format(T=town, **self.slots(e, False))
        return e, 'cities' if 'cities' in e.facts else 'where', q[0].upper() + q[1:]

    # --- noise, as people type ---
    def dress(self, q, light=False):
        r = self.r
        if self.held and r.random() < 0.15:
            q = self.soften(r.choice(self.t['prefixes']['held']), q)
        elif not self.held and r.random() < 0.14:
            q = self.soften(r.choice(self.t['prefixes']['train']), q)
        if not self.held and r.random() < 0.35:
            q = re.sub(r"[A-Za-z]+", lambda m: r.choice(self.t['synonyms'][m[0]]) if m[0] in self.t['synonyms'] and r.random() < 0.5 else m[0], q)
        if not self.held and r.random() < 0.05 and len(q.split()) > 2:
            end = q[-1] if q[-1] in '?.!' else ''
            q = q.rstrip('?.! ') + r.choice(self.t['suffixes']['train']) + end
        if not self.noise:
            return q
        if not self.held and r.random() < 0.10 and len(q.split()) > 3:
            words = q.split(' ')
            words.insert(r.randrange(1, len(words)), r.choice(self.t['fillers']))
            q = ' '.join(words)
        if r.random() < 0.3:
            for a, b in (('What is', "What's"), ('what is', "what's"), ('Where is', "Where's"), ('do not', "don't"),
                         ('I would', "I'd"), ('I am', "I'm"), ('does not', "doesn't"), ('Who is', "Who's"), ('That is', "That's")):
                q = q.replace(a, b)
        if r.random() < 0.5:
            q = without_accents(q) if r.random() < 0.6 else q
        roll = r.random()
        if roll < 0.27:
            q = q.rstrip('?.!')
        elif roll < 0.30:
            q = q.rstrip('?.!') + r.choice(['??', '!', '...', ' ?', '.', '?!'])
        roll = r.random()
        if roll < 0.25:
            q = q.lower()
        elif roll < 0.26:
            q = q.upper()
        elif roll < 0.28:
            q = q.title()
        words = q.split(' ')
        if len(words) > 3 and r.random() < 0.04:
            i = r.randrange(len(words))
            if words[i].lower() in ('the', 'a', 'an', 'is', 'does', 'do', 'of', 'me', 'in', 'it', 'are'):
                del words[i]
        if r.random() < 0.06:
            i = r.randrange(len(words))
            w = words[i]
            if len(w) > 4:
                k = r.randrange(1, len(w) - 1)
                kind = r.random()
                if kind < 0.4:
                    w = w[:k] + w[k + 1:]
                elif kind < 0.7:
                    w = w[:k] + w[k + 1] + w[k] + w[k + 2:]
                else:
                    w = w[:k] + w[k] + w[k:]
                words[i] = w
        if r.random() < 0.02:
            words.append(r.choice(self.g['emoji']))
        if r.random() < 0.01:
            words.append('\n')
        return ' '.join(words) or q

    def soften(self, prefix, q):
        """A prefix ending in a comma or a word is followed by a small letter, unless a name or I stands there."""
        if prefix.rstrip()[-1] in '.!:':
            return prefix + q
        first = q.split(' ')[0]
        keep = first in ('I', "I'm", 'Santa', 'Cape', 'Fremantle', 'Beaufort', 'Coriolis', 'Boreas', 'Aeolus', 'Hadley')
        return prefix + (q if keep else q[0].lower() + q[1:])

    # --- off topic ---
    def pseudo_word(self):
        r = self.r
        return ''.join(r.choice('bcdfgklmnprstvz') + r.choice(['a', 'e', 'i', 'o', 'u', 'ou', 'ar', 'en', 'is']) for _ in range(r.randint(2, 3)))

    def offtopic(self):
        r, o = self.r, self.o
        roll = r.random()
        nouns = o['nouns'] + o['nouns_held'] if self.held else o['nouns']
        if self.held:
            kind = r.choice(['q', 'noun', 'person', 'place', 'heldnoun'])
            if kind == 'q':
                return r.choice(o['questions_held'])
            if kind == 'noun':
                return r.choice(o['noun_templates_held']).format(x=r.choice(nouns))
            if kind == 'heldnoun':
                return r.choice(o['noun_templates'][:12]).format(x=r.choice(o['nouns_held']))
            if kind == 'person':
                return r.choice(o['people_templates'][:6]).format(x=r.choice(o['people_held']))
            return r.choice(o['place_templates'][:6]).format(x=r.choice(o['places_held']))
        if roll < 0.34:
            q = r.choice(o['questions'])
        elif roll < 0.60:
            q = r.choice(o['noun_templates']).format(x=r.choice(nouns))
        elif roll < 0.68:
            q = r.choice(o['people_templates']).format(x=r.choice(o['people']))
        elif roll < 0.76:
            q = r.choice(o['place_templates']).format(x=r.choice(o['places']))
        elif roll < 0.82:
            a = o['actions']
            v, x = r.choice(a['verbs']), r.choice(nouns)
            q = r.choice(a['templates']).format(v=v, x=x) if r.random() < 0.6 else self.ask(r.choice(a['clauses']).format(v=v, x=x))
        elif roll < 0.88:
            w = o['who']
            q = r.choice(w['templates']).format(v=r.choice(w['verbs']), o=r.choice(w['objects']))
        else:  # the questions a wind gets, about things that are none (or words that are not)
            attr = r.choice(['what', 'what', 'form', 'where', 'when', 'strength', 'nature', 'name', 'effect', 'more'])
            x = self.pseudo_word() if r.random() < 0.35 else r.choice(nouns if r.random() < 0.8 else o['places'])
            thing = Entity({'id': '', 'names': [x], 'article': r.choice(['a', 'the', 'none'])})
            for _ in range(50):
                q = self.question(thing, attr, 'direct')
                if not re.search(r'\bwinds?\b|France|meteorologist', q):
                    break
        return q[0].upper() + q[1:]

    def foreign(self):
        """Letters of another script, so that the byte pieces are trained too."""
        r = self.r
        low, high = r.choice([(0x400, 0x44F), (0x391, 0x3C9), (0x5D0, 0x5EA), (0x627, 0x64A), (0x905, 0x939), (0x3041, 0x3096),
                              (0x30A1, 0x30FA), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xE01, 0xE30)])
        words = [''.join(chr(r.randint(low, high)) for _ in range(r.randint(1, 5))) for _ in range(r.randint(1, 3))]
        return ' '.join(words) + r.choice(['?', '', '!', '。'])

    def small_talk(self, c):
        if c['id'] == 'language':
            return self.foreign() if not self.held and self.r.random() < 0.4 else self.pick(c, 'q')
        clauses = self.t['chat'].get(c['id'])
        if clauses and self.r.random() < 0.3:
            clause = self.r.choice(clauses)
            return self.dress(self.r.choice(self.t['wrappers']['held']).format(clause) if self.held else self.ask(clause))
        return self.dress(self.pick(c, 'q'))

    def off_answer(self):
        answers = self.g['offtopic']['answers']
        return answers[0] if self.held else self.r.choices(answers, [0.85, 0.15])[0]

    # --- a conversation ---
    def conversation(self, max_turns=6):
        """A list of (question, answer, kind), kind naming the fact or class for evaluation."""
        r = self.r
        turns, e, last, off, force = [], None, None, False, None
        why = ['Why?', 'Why?', 'Why?', 'But why?', 'And why?', 'Why is that?', 'why', 'Why so?', 'How come?']
        n = r.choices([1, 2, 3, 4, 5, 6], [22, 22, 20, 16, 11, 9])[0]
        for i in range(min(n, max_turns)):
            roll = r.random()
            if force is not None and roll < 0.5:
                force = r.randrange(13)
                turns.append((self.dress(r.choice(self.t['beaufort']['follow']).format(n=force)), self.force_answer(force), f'force/{force}'))
                off = False
                continue
            force = None
            if turns and turns[-1][2] == 'off/why' and roll < 0.15:
                turns.append((self.dress(r.choice(why)), self.g['offtopic']['why'], 'off/why'))
                continue
            if e and not off and last == 'form' and roll < 0.10:  # asked why again: the cause again
                turns.append((self.dress(r.choice(why)), e.facts['form'], f'{e.id}/form/short'))
                continue
            if off and roll < 0.12:
                turns.append((self.dress(self.pick(self.t['attributes']['form'], 'short', 'held_short') if roll < 0.03 else r.choice(['Why?', 'Why not?', 'But why?', 'Why is that?', 'And why?', 'Why only winds?'])),
                              self.g['offtopic']['why'], 'off/why'))
                off = False
                continue
            if e and roll < 0.60:
                mode_roll = r.random()
                if mode_roll < 0.25:  # another wind, the same attribute
                    other = self.entity()
                    if other is not e:
                        e = other
                        text, attr = e.answer(last if last not in MISTRAL_ONLY and last != 'duration' else 'what')
                        s = self.slots(e, False)
                        q = self.pick(self.t['about'], 'train').format(**s)
                        turns.append((self.dress(q[0].upper() + q[1:]), text, f'{e.id}/{attr}/about'))
                        last, off = attr, False
                        continue
                if mode_roll < 0.40:
                    attr = e.next_more(last)
                    q = self.question(e, 'more', r.choice(['short', 'short', 'pronoun']))
                    text = e.facts.get(attr, e.facts['what'])
                    turns.append((self.dress(q), text, f'{e.id}/{attr}/more'))
                    last, off = attr, False
                    continue
                asked = self.attribute(e)
                if asked in ('what', 'more') and r.random() < 0.7:
                    asked = 'form'
                mode = r.choice(['short', 'short', 'pronoun'])
                if asked == 'form' and last in ('strength',) and 'valley' in e.facts:
                    asked = 'valley'
                if asked == 'what':
                    mode = 'pronoun'
                if asked == 'more':
                    asked = 'effect'
                text, attr = e.answer(asked)
                turns.append((self.dress(self.question(e, asked, mode)), text, f'{e.id}/{attr}/{mode}'))
                last, off = attr, False
                continue
            roll = r.random()
            if roll < (0.60 if i == 0 else 0.52):
                e = self.entity()
                asked = self.attribute(e)
                text, attr = e.answer(asked)
                turns.append((self.dress(self.question(e, asked, 'direct')), text, f'{e.id}/{attr}/direct'))
                last, off = attr, False
            elif roll < 0.62:
                e, last, q = self.town()
                if e is None:
                    turns.append((self.dress(q), self.g['no_wind']['a'], 'no-wind'))
                else:
                    turns.append((self.dress(q), e.facts[last], f'{e.id}/{last}/town'))
                off = False
            elif roll < 0.645 and not self.held:
                e, last, q = self.described()
                turns.append((self.dress(q), e.facts[last], f'{e.id}/{last}/which'))
                off = False
            elif roll < 0.69:
                e = self.entity()
                while not e.which:
                    e = self.entity()
                q = r.choice(e.which)
                attr, q = q.split('| ') if '| ' in q else ('what', q)
                turns.append((self.dress(q), e.facts[attr], f'{e.id}/{attr}/which'))
                last, off = attr, False
            elif roll < 0.72:
                q, text, kind = self.pair()
                turns.append((self.dress(q), text, 'pair/' + kind))
                e, off = None, False
            elif roll < 0.765:
                g = r.choice(self.g['items'])
                turns.append((self.dress(self.pick(g, 'q')), g['a'], 'general'))
                e, off = None, False
            elif roll < 0.79:
                force = r.randrange(13)
                name, _, sign = self.g['beaufort'][force]
                pool = 'named' if not self.held and r.random() < 0.25 else 'train'
                q = self.pick(self.t['beaufort'], pool).format(n=force, name=name, sign=sign)
                turns.append((self.dress(q), self.force_answer(force), f'force/{force}'))
                e, off = None, False
            elif roll < 0.88:
                turns.append((self.dress(self.offtopic()), self.off_answer(), 'off'))
                off = True
            else:
                c = r.choice([c for c in self.g['chat'] if e is None and not off or not c.get('lost')])
                turns.append((self.small_talk(c), c['a'], 'chat/' + c['id']))
                off = False
                if c['id'] == 'random':
                    e, last = self.by_id['chinook'], 'more'
                elif c['id'] == 'favourite':
                    e, last = self.by_id['mistral'], 'what'
        if self.noise and r.random() < 0.05:
            q, a, kind = turns[0]
            turns[0] = (r.choice(self.g['system_held' if self.held else 'system']) + '\n\n' + q, a, kind)
        return turns

    def force_answer(self, n):
        name, speed, sign = self.g['beaufort'][n]
        return f'Force {n} on the Beaufort scale is {name}, {speed}: {sign}.'

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


if __name__ == '__main__':
    main()
