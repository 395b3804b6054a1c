"""Evaluates the exported bf16 model as transformers loads it, computing in f32.

    python evaluate.py                      held-out questions (the fixture), template questions, conversations
    python evaluate.py --fixture FILE --turns 0     only the questions of a file that make_heldout.py wrote
    python evaluate.py --chat "What is a mistral?" "How does it form?"       one conversation, greedy
    python evaluate.py --chat ... --temperature 1                            sampled

Fixture: an answer is right when it has one word of each `must` group. Questions written for each fact, and questions drawn
from the training phrasings and from the held-out phrasings: right when the whole greedy answer is the fact.
"""
import argparse
import json
from collections import defaultdict
from pathlib import Path

import torch
from transformers import AutoTokenizer, MistralForCausalLM

from build_corpus import Sampler
from train import POCKET, Encoder, attention_mask

FIXTURE = Path(__file__).parent / '../../../test/fixtures/pocket/heldout.json'


class Chat:
    def __init__(self, folder):
        self.tok = AutoTokenizer.from_pretrained(folder)
        self.model = MistralForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def reply(self, messages, temperature=0.0, limit=96):
        text = self.tok.apply_chat_template(messages, tokenize=False)
        ids = self.tok(text, add_special_tokens=False, return_tensors='pt')
        sample = dict(do_sample=True, temperature=temperature, top_k=0, top_p=1.0) if temperature else dict(do_sample=False, temperature=None, top_p=None)
        out = self.model.generate(**ids, max_new_tokens=limit, pad_token_id=2, **sample)
        return self.tok.decode(out[0, ids['input_ids'].shape[1]:], skip_special_tokens=True).strip()


def held_out(chat, fixture, verbose):
    cases = json.loads(fixture.read_text(encoding='utf8'))
    right = 0
    for c in cases:
        answer = chat.reply(c['messages'])
        ok = all(any(w.lower() in answer.lower() for w in group) for group in c['must'])
        right += ok
        if not ok or verbose:
            print('ok   ' if ok else 'WRONG', ' / '.join(m['content'] for m in c['messages'] if m['role'] == 'user'), '->', answer)
    return right, len(cases)


@torch.no_grad()
def recites(chat, encoder, turns):
    """Whether each answer of a conversation is the greedy one: iff each of its tokens is the argmax before it."""
    ids, w = encoder.conversation(turns, 0.0)
    x = torch.tensor([ids])
    mask = attention_mask(torch.zeros_like(x), chat.model.config.sliding_window)[:, :, :-1, :-1]
    hit = (chat.model(input_ids=x[:, :-1], attention_mask=mask, use_cache=False).logits[0].argmax(-1) == x[0, 1:]).tolist()
    for end in (i for i in range(1, len(ids)) if w[i] == 1.0 and ids[i] == 2):
        start = end
        while w[start - 1] == 1.0:
            start -= 1
        yield all(hit[start - 1:end])


def written(chat, encoder, verbose):
    """Of the hand-written questions that training never saw, the share answered with the very fact."""
    sampler = Sampler(0, held=True)
    cases = [(q, sampler.by_id[e].facts[a]) for e, of in sampler.written.asked.items() for a, qs in of.items() for q in qs]
    right = [next(recites(chat, encoder, [case])) for case in cases]
    if verbose:
        print(*(q for (q, _), ok in zip(cases, right) if not ok), sep='\n')
    return sum(right), len(cases)


def templates(chat, encoder, held, noise, turns, seed):
    """Share of exactly right greedy answers: an answer is greedy iff each of its tokens is the argmax before it."""
    sampler = Sampler(seed, held=held, noise=noise)
    score, wrong = defaultdict(lambda: [0, 0]), []
    canonical_off = sampler.g['offtopic']['answers'][0]
    while sum(t for _, t in score.values()) < turns:
        conv = [(q, canonical_off if kind == 'off' else a, kind) for q, a, kind in sampler.conversation()]
        for (q, a, kind), ok in zip(conv, recites(chat, encoder, conv)):
            group = kind.split('/')[-1] if kind.count('/') == 2 else kind.split('/')[0]
            score[group][0] += ok
            score[group][1] += 1
            if not ok:
                wrong.append((kind, q))
    return dict(score), wrong


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--model', type=Path, default=POCKET)
    p.add_argument('--fixture', type=Path, default=FIXTURE)
    p.add_argument('--chat', nargs='*')
    p.add_argument('--temperature', type=float, default=0.0)
    p.add_argument('--turns', type=int, default=500, help='template questions of each kind; 0: none')
    p.add_argument('--seed', type=int, default=12345)
    p.add_argument('--verbose', action='store_true')
    p.add_argument('--threads', type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    chat = Chat(a.model)
    if a.chat:
        messages = []
        for q in a.chat:
            messages.append({'role': 'user', 'content': q})
            messages.append({'role': 'assistant', 'content': chat.reply(messages, a.temperature)})
            print('>', q, '\n ', messages[-1]['content'])
        return
    right, total = held_out(chat, a.fixture, a.verbose)
    print(f'held-out questions, key fact named: {right}/{total} = {100 * right / total:.1f} %')
    if not a.turns:
        return
    encoder = Encoder(a.model / 'tokenizer.json')
    right, total = written(chat, encoder, a.verbose)
    print(f'questions written for each fact, held out: whole answer exact {right}/{total} = {100 * right / total:.1f} %')
    for name, held, noise in (('training phrasings', False, False), ('training phrasings, typed carelessly', False, True),
                              ('held-out phrasings', True, False), ('held-out phrasings, typed carelessly', True, True)):
        score, wrong = templates(chat, encoder, held, noise, a.turns, a.seed)
        n, m = (sum(s[i] for s in score.values()) for i in (0, 1))
        print(f'{name}: whole answer exact {n}/{m} = {100 * n / m:.1f} %  ',
              {k: f'{100 * r / t:.0f}% of {t}' for k, (r, t) in sorted(score.items())})
        if a.verbose:
            print(*wrong[:40], sep='\n')


if __name__ == '__main__':
    main()
