"""Writes the held-out questions of corpus/heldout.yaml as chat messages, for the tests of the engine.

    python make_heldout.py --out ../../../test/fixtures/pocket/heldout.json

Each case is {messages, must}: the answer has to contain, ignoring case, one word of every group in must. Earlier
assistant turns are the facts themselves. Fails if the training stream asks one of the final questions word for word
with the same meaning of the whole sentence (first turns of conversations are set-up and may be trained on).
"""
import argparse
import json
import re
from pathlib import Path

import yaml

from build_corpus import CORPUS, Sampler


def cases():
    facts = dict(Sampler(0).all_answers())
    for entry in yaml.safe_load((CORPUS / 'heldout.yaml').read_text(encoding='utf8')):
        *turns, must = entry
        messages = [{'role': 'user', 'content': t} if i % 2 == 0 else {'role': 'assistant', 'content': facts[t]}
                    for i, t in enumerate(turns)]
        yield {'messages': messages, 'must': [str(group).split('|') for group in must]}


def plain(text):
    return re.sub(r'[^\w ]', '', text.lower()).strip()


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--out', type=Path, default=Path(__file__).parent / '../../../test/fixtures/pocket/heldout.json')
    p.add_argument('--check', type=int, default=100000, help='training conversations to search for leaks')
    a = p.parse_args()
    all_cases = list(cases())
    last = {plain(c['messages'][-1]['content']) for c in all_cases}
    sampler = Sampler(4242, noise=False)
    leaked = {plain(q) for _ in range(a.check) for q, _, _ in sampler.conversation()} & last
    if leaked:
        raise SystemExit(f'trained on: {sorted(leaked)}')
    lines = ',\n'.join('  ' + json.dumps(c, ensure_ascii=False) for c in all_cases)
    a.out.write_text('[\n' + lines + '\n]\n', encoding='utf8')
    print(len(all_cases), 'cases, none among', a.check, 'training conversations')


if __name__ == '__main__':
    main()
