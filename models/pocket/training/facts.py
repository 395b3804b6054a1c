"""The facts of corpus/winds.yaml and concepts.yaml: winds (and ideas), their attributes and their grammar."""
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
