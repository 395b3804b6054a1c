"""Writes golden.json: what transformers computes from the exported bf16 weights, for the engine's own tests.

    python make_golden.py --out ../../../test/fixtures/pocket/golden.json

Ten conversations, three of them longer than three sliding windows. For each: the messages, the ids of the chat
template, 128 greedy ids (argmax at every step, generation is not stopped at </s>), the smallest gap between the best
and the second logit over these steps, and the f32 logits (base64, little endian) that follow some positions of
prompt + greedy ids. The ids are chosen in f32 with a KV cache; the logits come from one f64 pass without a cache. A
conversation is used only if both agree on every id and no gap is below --margin, so that rounding cannot decide a token.
"""
import argparse
import base64
import json
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, MistralForCausalLM

from build_corpus import Sampler
from train import POCKET

STEPS = 128
FIXED = [
    ['What is a mistral?', 'How does it form?', 'And where does it blow?', 'Tell me about the sirocco', 'Who won the match yesterday?'],
    ['What is a mistral?'],
    ['hello', 'what can you do', 'how fast is the bora'],
    ['Was ist die Föhnlüftung? 日本の風 🌬️'],
    ['What is the bora?', 'why?', 'Thanks!'],
    ['Describe force 8.', 'And force 12?'],
    ['who are you', 'Which winds blow in Italy?'],
    ['What are the trade winds?', 'Where do they blow?'],
]
SHORT = 4  # how many of these are used: the first that pass
LONG = [(140, 260), (140, 260), (260, 384), (400, 500), (450, 560), (500, 640)]


@torch.no_grad()
def greedy(model, prompt):
    """The ids that argmax chooses, step by step with transformers' own KV cache."""
    ids, past = list(prompt), None
    for _ in range(STEPS):
        out = model(input_ids=torch.tensor([ids if past is None else ids[-1:]]), past_key_values=past, use_cache=True)
        past = out.past_key_values
        ids.append(int(out.logits[0, -1].argmax()))
    return ids[len(prompt):]


def candidates(tok):
    """Message lists: the fixed ones with their answers to be filled by the model, then seeded long dialogues."""
    for questions in FIXED:
        yield questions, None
    seed = 0
    for low, high in LONG:
        while True:
            seed += 1
            sampler = Sampler(50000 + seed, noise=False)
            turns = [t for _ in range(8) for t in sampler.conversation()]
            messages, size = [], 0
            for q, a, _ in turns:
                messages.append({'role': 'user', 'content': q})
                size = len(tok(tok.apply_chat_template(messages, tokenize=False), add_special_tokens=False).input_ids)
                if size >= low:
                    break
                messages.append({'role': 'assistant', 'content': a})
            if low <= size <= high and (yield messages, (low, high)):
                break


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--model', type=Path, default=POCKET)
    p.add_argument('--out', type=Path, default=Path(__file__).parent / '../../../test/fixtures/pocket/golden.json')
    p.add_argument('--margin', type=float, default=0.02)
    a = p.parse_args()
    torch.set_num_threads(1)
    tok = AutoTokenizer.from_pretrained(a.model)
    f64 = MistralForCausalLM.from_pretrained(a.model, dtype=torch.float64).eval()
    f32 = MistralForCausalLM.from_pretrained(a.model, dtype=torch.float32).eval()
    cases = []

    def encode(messages):
        return tok(tok.apply_chat_template(messages, tokenize=False), add_special_tokens=False).input_ids

    def accept(messages):
        prompt = encode(messages)
        n, ids = len(prompt), greedy(f32, prompt)
        with torch.no_grad():
            full = f64(input_ids=torch.tensor([prompt + ids]), use_cache=False).logits[0]
        steps = full[n - 1:n + STEPS - 1]
        top = steps.topk(2).values
        gap = float((top[:, 0] - top[:, 1]).min())
        if steps.argmax(-1).tolist() != ids or gap < a.margin:
            return False
        positions = sorted({0, n - 1, n // 2, n + 63, n + STEPS - 2})
        cases.append({'messages': messages, 'prompt_ids': prompt, 'greedy_ids': ids, 'min_gap': round(gap, 5),
                      'logits': [{'position': i, 'f32': base64.b64encode(full[i].float().numpy().astype('<f4').tobytes()).decode()}
                                 for i in positions]})
        print(len(cases), 'prompt', n, 'gap', round(gap, 4), flush=True)
        return True

    def answer(messages):
        ids = f32.generate(input_ids=torch.tensor([encode(messages)]), do_sample=False, temperature=None, top_p=None,
                           max_new_tokens=96, pad_token_id=2)
        return tok.decode(ids[0, len(encode(messages)):], skip_special_tokens=True).strip()

    stream = candidates(tok)
    messages, band = next(stream)
    try:
        while True:
            if band is None:
                turns = []
                for q in messages:
                    turns.append({'role': 'user', 'content': q})
                    if q is not messages[-1]:
                        turns.append({'role': 'assistant', 'content': answer(turns)})
                if len(cases) < SHORT and not accept(turns):
                    print('left out, a gap is too small:', messages)
                messages, band = next(stream)
            else:
                messages, band = stream.send(accept(messages))
    except StopIteration:
        pass
    window = f64.config.sliding_window
    a.out.write_text(json.dumps({'transformers': __import__('transformers').__version__, 'window': window,
                                 'vocab_size': f64.config.vocab_size, 'conversations': cases}, ensure_ascii=False) + '\n', encoding='utf8')
    print(len(cases), 'conversations,', sum(len(c['prompt_ids']) > 3 * window for c in cases), 'longer than three windows,',
          a.out.stat().st_size, 'bytes')


if __name__ == '__main__':
    main()
