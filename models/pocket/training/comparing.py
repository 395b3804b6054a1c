"""Questions about two winds: what differs, what they share, which is stronger, which is warmer."""

WEIGHTS = {'differ': 35, 'common': 15, 'strength': 30, 'warmth': 20}
# Within this factor of each other, two speeds count as equal.
EQUAL = 1.12


def named(e):
    return (e.article + ' ' if e.article != 'none' else '') + e.names[0]


def capital(text):
    return text[0].upper() + text[1:]


class Comparing:
    """`items`: general.yaml's items, of which some hold the answer for one pair."""

    def __init__(self, pairs, items):
        self.pairs = pairs
        self.written = {('differ', frozenset(g['pair'])): g['a'] for g in items if 'pair' in g}
        self.written |= {(g['compare'][0], frozenset(g['compare'][1:])): g['a'] for g in items if 'compare' in g}
        self.ids = {'differ': set(pairs['brief']), 'common': set(pairs['brief']), 'strength': set(pairs['speed']),
                    'warmth': set(pairs['warmth'])}

    def answer(self, x, y, kind):
        done = self.written.get((kind, frozenset((x.id, y.id))))
        if done:
            return done
        return capital({'strength': self.strength, 'warmth': self.warmth, 'common': self.common, 'differ': self.differ}[kind](x, y))

    def differ(self, x, y):
        brief = self.pairs['brief']
        return f'{named(x)} {brief[x.id]}, while {named(y)} {brief[y.id]}.'

    def common(self, x, y):
        for text, *ids in self.pairs['kin']:
            if x.id in ids and y.id in ids:
                return f'{named(x)} and {named(y)} are both {text}.'
        return 'Both are winds, but ' + self.differ(x, y)

    def strength(self, x, y):
        speed = self.pairs['speed']
        if speed[x.id][0] < speed[y.id][0]:
            x, y = y, x
        rest = f'{speed[x.id][1]}, while {named(y)} {speed[y.id][1]}.'
        if speed[x.id][0] <= EQUAL * speed[y.id][0]:
            return f'Both are about as strong: {named(x)} {rest}'
        return f"{named(x)} {'are' if x.plural else 'is'} stronger and {rest}"

    def warmth(self, x, y):
        warmth, brief = self.pairs['warmth'], self.pairs['brief']
        if warmth[x.id] < warmth[y.id]:
            x, y = y, x
        rest = f'{brief[x.id]}, while {named(y)} {brief[y.id]}.'
        if warmth[x.id] == warmth[y.id]:
            return f'Both are about as warm: {named(x)} {rest}'
        return f"{named(x)} {'are' if x.plural else 'is'} warmer and {rest}"
