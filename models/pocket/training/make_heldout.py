"""Writes hand-written questions as chat messages: for the tests of the engine, or for evaluate.py --fixture.

    python make_heldout.py --check 0            the fixture: all of corpus/heldout.yaml
    python make_heldout.py --questions corpus/heldout_blind2.yaml --check 0 --out ../../../test/fixtures/pocket/blind.json
    python make_heldout.py --written 120 --check 0 --out ../../../test/fixtures/pocket/written.json

Each case is {messages, must}: the answer has to contain, ignoring case, one word of every group in must. Earlier
assistant turns are the facts themselves. A case whose final question the training stream asks word for word, ignoring
case and punctuation, is left out unless --check is 0 (earlier turns are set-up and may be trained on).
"""
import argparse
import json
import re
from pathlib import Path

import yaml

from build_corpus import Sampler
from facts import CORPUS


def cases(path):
    facts = dict(Sampler(0).all_answers())
    for entry in yaml.safe_load(path.read_text(encoding='utf8')):
        *turns, must = entry
        messages = [{'role': 'user', 'content': t} if i % 2 == 0 else {'role': 'assistant', 'content': facts[t]}
                    for i, t in enumerate(turns)]
        yield {'messages': messages, 'must': [str(group).split('|') for group in must]}


def written(count):
    """Held-out questions of corpus/questions/, spread over all facts; only the whole fact is a right answer."""
    sampler = Sampler(0, held=True)
    found = [{'messages': [{'role': 'user', 'content': q}], 'must': [[sampler.by_id[e].facts[a]]]}
             for e, of in sampler.written.asked.items() for a, qs in of.items() for q in qs]
    return [found[i * len(found) // count] for i in range(count)]


def plain(text):
    return re.sub(r'[^\w ]', '', text.lower()).strip()


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--out', type=Path, default=Path(__file__).parent / '../../../test/fixtures/pocket/heldout.json')
    p.add_argument('--questions', type=Path, default=CORPUS / 'heldout.yaml')
    p.add_argument('--written', type=int, default=0, help='take so many of the questions written for each fact instead')
    p.add_argument('--check', type=int, default=100000, help='training conversations to search for the questions')
    a = p.parse_args()
    all_cases = written(a.written) if a.written else list(cases(a.questions))
    sampler = Sampler(4242, noise=False)
    trained = {plain(q) for _ in range(a.check) for q, _, _ in sampler.conversation()}
    kept = [c for c in all_cases if plain(c['messages'][-1]['content']) not in trained]
    lines = ',\n'.join('  ' + json.dumps(c, ensure_ascii=False) for c in kept)
    a.out.parent.mkdir(parents=True, exist_ok=True)
    a.out.write_text('[\n' + lines + '\n]\n', encoding='utf8')
    print(len(kept), 'cases;', len(all_cases) - len(kept), 'left out, asked word for word in', a.check, 'training conversations')


if __name__ == '__main__':
    main()
