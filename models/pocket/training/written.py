"""Questions written by hand for each fact (corpus/questions/*.yaml).

One question of every fact is held out: training never sees it. `spellings` are plural, misspelt and possessive forms
of a wind's name; they replace the name in some questions.
"""
import re
import zlib

import yaml

from facts import CORPUS, without_accents
from noise import typo

SPELT = 0.10  # share of the questions in which the name is written in another way


class Written:
    """`asked[id][attribute]` name the wind or describe it; `then[id][attribute]` follow an answer about it."""

    def __init__(self, r, entities, held):
        self.r, self.held, self.names = r, held, {}
        self.asked, self.then, self.general, self.forces, self.chat, self.offtopic = {}, {}, {}, {}, {}, []
        for path in sorted((CORPUS / 'questions').glob('*.yaml')):
            self.read(yaml.safe_load(path.read_text(encoding='utf8')))
        for table in (self.asked, self.then, {'general': self.general, 'forces': self.forces, 'chat': self.chat}):
            for key, lists in table.items():
                for name, questions in lists.items():
                    lists[name] = self.part(f'{key}/{name}', questions)
        for e in entities:
            # Longest first, so that "sirocco wind" is found before "sirocco".
            forms = sorted({f for n in e.names for f in (n, without_accents(n))}, key=len, reverse=True)
            self.names[e.id] = (re.compile(r'\b(' + '|'.join(map(re.escape, forms)) + r')\b', re.I), self.names.get(e.id, []))

    def read(self, data):
        if isinstance(data, list):
            for item in data:
                (self.forces if 'force' in item else self.general)[item.get('force', item.get('a'))] = item['q']
            return
        self.offtopic += self.some(data.pop('offtopic', []))
        self.chat |= data.pop('chat', {})
        for key, entry in data.items():
            self.names.setdefault(key, []).extend(entry.pop('spellings', []))
            for table, lists in ((self.then, entry.pop('then', {})), (self.asked, entry)):
                for attr, questions in lists.items():
                    table.setdefault(key, {}).setdefault(attr, []).extend(questions)

    def part(self, name, questions):
        """Without the one that is held out, or that one alone."""
        out = zlib.crc32(name.encode()) % len(questions)
        return [str(q) for i, q in enumerate(questions) if (i == out) == self.held]

    def some(self, questions):
        """Of a long list each twelfth is held out."""
        return [str(q) for i, q in enumerate(questions) if (i % 12 == 11) == self.held]

    def draw(self, table, e, attr):
        """A hand-written question about the fact, or None where there is none."""
        pool = table.get(e.id, {}).get(attr)
        return self.misspell(e, self.r.choice(pool)) if pool else None

    def misspell(self, e, q):
        """The name in another spelling, or with a typing error, in a share of the questions."""
        if self.held or e.id not in self.names or self.r.random() >= SPELT:
            return q
        pattern, spellings = self.names[e.id]

        def other(m):
            return self.r.choice(spellings) if spellings and self.r.random() < 0.6 else typo(self.r, m[0])
        return pattern.sub(other, q, count=1)
