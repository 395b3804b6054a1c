"""Puts questions about one wind or one place together from templates.yaml and the hand-written questions."""
import re

MANY = re.compile(r'(winds|breezes|gusts|squalls|roses|vanes|gales|knots|oes|canes|[bcdhlnmrtv]s)$')
DESCRIBED = ['Which wind {}?', 'Which wind {}?', 'What wind {}?', 'Name the wind that {}.', 'What is the name of the wind that {}?',
             'What is the wind called that {}?', 'I am looking for the wind that {}.', 'Do you know a wind that {}?',
             'Is there a wind that {}?', 'Which of the winds {}?', 'Tell me which wind {}.', 'What do you call a wind that {}?']
KIND = ['What is {} called?', 'What do you call {}?', 'What is the name of {}?', 'What do people call {}?', 'How do you call {}?',
        'I am looking for {}.', 'Which one is {}?', 'Name {}.', 'What is {}?', 'Do you know {}?', 'What is the word for {}?']
# The share of the questions that are drawn from the hand-written ones.
ASKED, THEN = 0.55, 0.5


def agree(q):
    """A short question about it, about them."""
    q = q.replace('does it', 'do they').replace('s it ', 're they ')
    q = re.sub(r'\bits\b', 'their', re.sub(r'\bit\b', 'they', q.replace('Is it', 'Are they').replace('causes it', 'causes them')))
    return q.replace('Ire they', 'Are they').replace('ire they', 'are they')


class Phrasing:
    """`t`: templates.yaml; `written`: the hand-written questions; `held`: draw only what training does not see."""

    def __init__(self, r, t, written, held):
        self.r, self.t, self.written, self.held = r, t, written, held

    def pick(self, d, key, held_key='held'):
        return self.r.choice(d[held_key] if self.held and d.get(held_key) else d[key])

    def slots(self, e, pronoun):
        """The wind as subject and object, and what agrees with it."""
        if pronoun:
            plural = e.plural
            subject, obj = ('they', 'them') if plural else ('it', 'it')
        else:
            subject, name, plural = self.subject(e)
            obj = subject
        agreement = {'is': 'are', 'do': 'do', 's': '', 'es': ''} if plural else {'is': 'is', 'do': 'does', 's': 's', 'es': 'es'}
        return dict(E=subject, O=obj, N=e.names[0] if pronoun else name, **agreement)

    def subject(self, e):
        r = self.r
        name = e.names[0] if r.random() < 0.6 else r.choice(e.names)
        # A user may type "katabatic winds" or "typhoon": grammar follows the form that is used.
        plural = e.plural or bool(MANY.search(name) and name != e.names[0] and e.article != 'the')
        article = '' if e.article == 'none' or plural and e.article == 'a' else e.article
        if article == 'the' and not plural and r.random() < 0.12:
            article = 'a'
        if article == 'a' and (e.an or name[0] in 'aeiou'):
            article = 'an'
        if r.random() < 0.06:
            article = ''
        return self.written.misspell(e, f'{article} {name}'.strip()), name, plural

    def question(self, e, attr, mode):
        """mode: direct (names or describes the wind), pronoun, short (names nothing)."""
        share = ASKED if mode == 'direct' else THEN
        if self.r.random() < share:
            q = self.written.draw(self.written.asked if mode == 'direct' else self.written.then, e, attr)
            if q:
                return q
        t = self.t['attributes'][attr]
        q = self.short(e, t) if mode == 'short' and t.get('short') else self.whole(e, t, mode)
        return q[0].upper() + q[1:]

    def short(self, e, t):
        q = self.pick(t, 'short', 'held_short')
        if not self.held and 'its' in t and self.r.random() < 0.2:
            q = self.r.choice(self.t['its']).format(self.r.choice(t['its']))
        return agree(q) if e.plural else q

    def whole(self, e, t, mode):
        r = self.r
        s, roll = self.slots(e, mode != 'direct'), r.random()
        if self.held:
            if 'indirect' in t and roll < 0.3:
                return r.choice(self.t['wrappers']['held']).format(r.choice(t['indirect']).format(**s))
            return r.choice(t['held']).format(**s)
        if mode == 'direct' and 'named' in t and roll < 0.09:
            return r.choice(t['named']).format(**s)
        if 'indirect' in t and roll < 0.27:
            return self.ask(r.choice(t['indirect']).format(**s))
        if roll < 0.40 and 'np' in t:
            np = r.choice(t['np'])
            if mode == 'direct' or '{N}' not in np:
                return r.choice(self.t['np']).format(np.format(**s))
            return r.choice(self.t['its']).format(r.choice(t['its']))
        if roll < 0.45 and mode == 'direct' and 'keys' in t:
            return self.jumble(s, r.choice(t['keys']))
        return r.choice([x for x in t['direct'] if mode == 'direct' or '{N}' not in x]).format(**s)

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

    def described(self, e):
        """A question for the wind that a part of one of its facts describes, or None where no part does."""
        r = self.r
        attr = r.choice([a for a in ('what', 'what', 'where', 'effect', 'form', 'more') if a in e.facts])
        m = re.match(f'(The|An?) {re.escape(e.names[0])} (.*)\\.$', e.facts[attr])
        if not e.which or not m or '. ' in m[2]:
            return None
        text = m[2]
        if r.random() < 0.6:
            part = text.split(', ')[0]
            text = part if len(part.split()) > 4 else text
        kind = re.match(r'is (an? .*)', text)
        if attr == 'what' and kind and r.random() < 0.7:
            return r.choice(KIND).format(kind[1])
        return r.choice(DESCRIBED).format(text)
