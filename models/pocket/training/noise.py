"""Carelessness: what people do to a question when they type it."""
import re

from facts import without_accents

SHORTER = (('What is', "What's"), ('what is', "what's"), ('Where is', "Where's"), ('do not', "don't"), ('I would', "I'd"),
           ('I am', "I'm"), ('does not', "doesn't"), ('Who is', "Who's"), ('That is', "That's"))
DROPPED = ('the', 'a', 'an', 'is', 'does', 'do', 'of', 'me', 'in', 'it', 'are')
PROPER = ('I', "I'm", 'Santa', 'Cape', 'Fremantle', 'Beaufort', 'Coriolis', 'Boreas', 'Aeolus', 'Hadley')


def typo(r, word):
    """The word with one letter lost, doubled or swapped with the next, or a vowel mistaken."""
    if len(word) < 5:
        return word
    k, kind = r.randrange(1, len(word) - 1), r.random()
    if kind < 0.35:
        return word[:k] + word[k + 1:]
    if kind < 0.6:
        return word[:k] + word[k + 1] + word[k] + word[k + 2:]
    if kind < 0.8:
        return word[:k] + word[k] + word[k:]
    vowels = [i for i, c in enumerate(word) if i and c in 'aeiouy']
    if not vowels:
        return word
    k = r.choice(vowels)
    return word[:k] + r.choice('aeiou') + word[k + 1:]


class Typist:
    """Dresses questions. `t` and `g`: templates.yaml and general.yaml; `held` draws the held-out prefixes."""

    def __init__(self, r, t, g, held, noise):
        self.r, self.t, self.g, self.held, self.noise = r, t, g, held, noise

    def dress(self, q):
        q = self.reword(q)
        return self.careless(q) if self.noise else q

    def reword(self, q):
        """A prefix, synonyms, a suffix: still typed with care."""
        r, t = self.r, self.t
        if self.held:
            return self.soften(r.choice(t['prefixes']['held']), q) if r.random() < 0.15 else q
        if r.random() < 0.14:
            q = self.soften(r.choice(t['prefixes']['train']), q)
        if r.random() < 0.35:
            swap = lambda m: r.choice(t['synonyms'][m[0]]) if m[0] in t['synonyms'] and r.random() < 0.5 else m[0]
            q = re.sub(r'[A-Za-z]+', swap, q)
        if r.random() < 0.05 and len(q.split()) > 2:
            end = q[-1] if q[-1] in '?.!' else ''
            q = q.rstrip('?.! ') + r.choice(t['suffixes']['train']) + end
        return q

    def careless(self, q):
        r = self.r
        words = q.split(' ')
        if not self.held and r.random() < 0.10 and len(words) > 3:
            words.insert(r.randrange(1, len(words)), r.choice(self.t['fillers']))
            q = ' '.join(words)
        if r.random() < 0.3:
            for a, b in SHORTER:
                q = q.replace(a, b)
        if r.random() < 0.3:
            q = without_accents(q)
        q = self.punctuation_and_case(q)
        words = q.split(' ')
        if len(words) > 3 and r.random() < 0.05:
            i = r.randrange(len(words))
            if words[i].lower() in DROPPED:
                del words[i]
        if not self.held and len(words) > 6 and r.random() < 0.06:
            del words[r.randrange(len(words))]
        if r.random() < 0.08:
            i = r.randrange(len(words))
            words[i] = typo(r, words[i])
        if r.random() < 0.02:
            words.append(r.choice(self.g['emoji']))
        if r.random() < 0.01:
            words.append('\n')
        return ' '.join(words) or q

    def punctuation_and_case(self, q):
        r, roll = self.r, self.r.random()
        if roll < 0.27:
            q = q.rstrip('?.!')
        elif roll < 0.30:
            q = q.rstrip('?.!') + r.choice(['??', '!', '...', ' ?', '.', '?!'])
        roll = r.random()
        if roll < 0.25:
            return q.lower()
        if roll < 0.26:
            return q.upper()
        return q.title() if roll < 0.28 else q

    def soften(self, prefix, q):
        """A prefix ending in a comma or a word is followed by a small letter, unless a name or I stands there."""
        if prefix.rstrip()[-1] in '.!:' or q.split(' ')[0] in PROPER:
            return prefix + q
        return prefix + q[0].lower() + q[1:]
