"""Questions about everything that is not wind."""
import re

from facts import Entity

SCRIPTS = [(0x400, 0x44F), (0x391, 0x3C9), (0x5D0, 0x5EA), (0x627, 0x64A), (0x905, 0x939), (0x3041, 0x3096), (0x30A1, 0x30FA),
           (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xE01, 0xE30)]
ATTRIBUTES = ['what', 'what', 'form', 'where', 'when', 'strength', 'nature', 'name', 'effect', 'more']


class OffTopic:
    """`o`: offtopic.yaml; `written`: hand-written questions; `ask` wraps a clause; `question` is what a wind is asked."""

    def __init__(self, r, o, written, ask, question):
        self.r, self.o, self.written, self.ask, self.question = r, o, written, ask, question

    def held(self):
        r, o = self.r, self.o
        kind = r.choice(['q', 'noun', 'person', 'place', 'heldnoun', 'written', 'written', 'written'])
        if kind == 'written':
            return r.choice(self.written)
        if kind == 'q':
            return r.choice(o['questions_held'])
        if kind == 'noun':
            return r.choice(o['noun_templates_held']).format(x=r.choice(o['nouns'] + o['nouns_held']))
        if kind == 'heldnoun':
            return r.choice(o['noun_templates'][:12]).format(x=r.choice(o['nouns_held']))
        if kind == 'person':
            return r.choice(o['people_templates'][:6]).format(x=r.choice(o['people_held']))
        return r.choice(o['place_templates'][:6]).format(x=r.choice(o['places_held']))

    def train(self):
        r, o, roll = self.r, self.o, self.r.random()
        if roll < 0.22:
            return r.choice(self.written)
        if roll < 0.42:
            q = r.choice(o['questions'])
        elif roll < 0.60:
            q = r.choice(o['noun_templates']).format(x=r.choice(o['nouns']))
        elif roll < 0.68:
            q = r.choice(o['people_templates']).format(x=r.choice(o['people']))
        elif roll < 0.76:
            q = r.choice(o['place_templates']).format(x=r.choice(o['places']))
        elif roll < 0.82:
            a = o['actions']
            v, x = r.choice(a['verbs']), r.choice(o['nouns'])
            q = r.choice(a['templates']).format(v=v, x=x) if r.random() < 0.6 else self.ask(r.choice(a['clauses']).format(v=v, x=x))
        elif roll < 0.88:
            w = o['who']
            q = r.choice(w['templates']).format(v=r.choice(w['verbs']), o=r.choice(w['objects']))
        else:
            q = self.like_a_wind()
        return q[0].upper() + q[1:]

    def like_a_wind(self):
        """The questions a wind gets, about things that are none (or words that are not)."""
        r, o = self.r, self.o
        attr = r.choice(ATTRIBUTES)
        x = self.pseudo_word() if r.random() < 0.35 else r.choice(o['nouns'] if r.random() < 0.8 else o['places'])
        thing = Entity({'id': '', 'names': [x], 'article': r.choice(['a', 'the', 'none'])})
        for _ in range(50):
            q = self.question(thing, attr, 'direct')
            if not re.search(r'\bwinds?\b|France|meteorologist', q):
                break
        return q

    def pseudo_word(self):
        r = self.r
        syllable = lambda: r.choice('bcdfgklmnprstvz') + r.choice(['a', 'e', 'i', 'o', 'u', 'ou', 'ar', 'en', 'is'])
        return ''.join(syllable() for _ in range(r.randint(2, 3)))

    def foreign(self):
        """Letters of another script, so that the byte pieces are trained too."""
        r = self.r
        low, high = r.choice(SCRIPTS)
        words = [''.join(chr(r.randint(low, high)) for _ in range(r.randint(1, 5))) for _ in range(r.randint(1, 3))]
        return ' '.join(words) + r.choice(['?', '', '!', '。'])
