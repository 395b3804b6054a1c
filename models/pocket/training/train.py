"""Trains the pocket model on the CPU, from scratch, on conversations composed by build_corpus.py.

    python train.py --run runs/a

Rows of --row tokens hold several conversations; attention is causal, inside one conversation, and sees the last
sliding_window tokens only. The loss is on the answers, with a small weight on the questions. The run folder keeps
log.csv and the last checkpoint, from which export.py writes the bf16 model. The defaults are the published run. Batches
depend on the seed and the step only, so a run that was interrupted and goes on with --resume gives the same model.
"""
import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import MistralConfig, MistralForCausalLM

from build_corpus import Sampler

BOS, EOS, INST, INST_END = 1, 2, 3, 4
# (step, learning rate), linear in between; the last step ends the run.
SCHEDULE = [(0, 0.0), (100, 3e-3), (1800, 3e-3), (4000, 1.43e-3), (7000, 3e-5)]
# From this step on most conversations are one question and the first words of its answer: the facts are known by heart by
# then, and which one is asked for shows in these words.
HEADS_FROM, HEADS_SHARE, HEAD = 4000, 0.9, (8, 14)
POCKET = Path(__file__).parent.parent


def config(vocab=1280):
    return MistralConfig(
        vocab_size=vocab, hidden_size=256, intermediate_size=512, num_hidden_layers=5, num_attention_heads=8,
        num_key_value_heads=2, head_dim=32, hidden_act='silu', max_position_embeddings=1024, sliding_window=128,
        rms_norm_eps=1e-5, rope_theta=10000.0, initializer_range=0.03, tie_word_embeddings=False, attention_dropout=0.0,
        bos_token_id=BOS, eos_token_id=EOS, pad_token_id=None, use_cache=True)


class Encoder:
    """Text to ids, equal to encoding the chat template's text: each content starts with a space piece."""

    def __init__(self, path=POCKET / 'tokenizer.json'):
        self.tok = Tokenizer.from_file(str(path))

    def text(self, s):
        return self.tok.encode(s, add_special_tokens=False).ids

    def conversation(self, turns, user_weight):
        """Ids and the loss weight of each id as a target."""
        ids, weight = [BOS], [0.0]
        for q, a, *_ in turns:
            u = [INST] + self.text(q) + [INST_END]
            t = self.text(a) + [EOS]
            ids += u + t
            weight += [user_weight] * len(u) + [1.0] * len(t)
        return ids, weight


class Rows:
    """An endless stream of (ids, weights, document numbers) batches, filled with conversations or the heads of some."""

    def __init__(self, sampler, encoder, row, user_weight=0.1):
        self.sampler, self.encoder, self.row, self.user_weight = sampler, encoder, row, user_weight

    def conversation(self, heads):
        r = self.sampler.r
        if not heads or r.random() >= heads:
            return self.encoder.conversation(self.sampler.conversation(), self.user_weight)
        ids, weight = self.encoder.conversation(self.sampler.conversation(max_turns=1), self.user_weight)
        end = ids.index(INST_END) + 1 + r.randint(*HEAD)
        return ids[:end], weight[:end]

    def one(self, heads):
        ids, weight, doc = [], [], []
        while len(ids) <= self.row:
            i, w = self.conversation(heads)
            doc += [len(doc) and doc[-1] + 1] * len(i)
            ids += i
            weight += w
        return ids[:self.row + 1], weight[:self.row + 1], doc[:self.row + 1]

    def batch(self, size, seed, heads=0.0):
        """heads: the share of conversations that are the head of an answer only."""
        self.sampler.r.seed(seed)
        ids, weight, doc = (torch.tensor(np.array(x)) for x in zip(*(self.one(heads) for _ in range(size))))
        return ids, weight.float(), doc


def attention_mask(doc, window):
    """[batch, 1, row, row]: key j is seen by query i iff same conversation and 0 <= i - j < window."""
    n = doc.shape[1]
    gap = torch.arange(n)[:, None] - torch.arange(n)[None]
    near = (gap >= 0) & (gap < window)
    return (near[None] & (doc[:, :, None] == doc[:, None, :]))[:, None]


def loss_of(model, batch):
    ids, weight, doc = batch
    out = model(input_ids=ids[:, :-1], attention_mask=attention_mask(doc[:, :-1], model.config.sliding_window), use_cache=False)
    # A target that starts another conversation cannot be foretold.
    w = weight[:, 1:] * (doc[:, 1:] == doc[:, :-1])
    ce = F.cross_entropy(out.logits.flatten(0, 1), ids[:, 1:].flatten(), reduction='none').view_as(w)
    answer = (w == 1.0).float()
    return (ce * w).sum() / w.sum(), (ce * answer).sum().detach() / answer.sum(), out.logits, answer


@torch.no_grad()
def held_out(model, encoder, seed, turns):
    """Share of held-out questions whose whole answer is the greedy one, and the mean loss on answer tokens."""
    sampler = Sampler(seed, held=True)
    right = total = 0
    losses = []
    while total < turns:
        conv = sampler.conversation()
        ids, w = encoder.conversation(conv, 0.0)
        x = torch.tensor([ids])
        doc = torch.zeros_like(x)
        logits = model(input_ids=x[:, :-1], attention_mask=attention_mask(doc[:, :-1], model.config.sliding_window), use_cache=False).logits[0]
        target, weight = x[0, 1:], torch.tensor(w)[1:]
        hit = (logits.argmax(-1) == target) | (weight == 0)
        losses.append(F.cross_entropy(logits[weight > 0], target[weight > 0]).item())
        # One run of weight 1 is one answer.
        start = None
        for i, v in enumerate(weight.tolist() + [0.0]):
            if v and start is None:
                start = i
            elif not v and start is not None:
                right += bool(hit[start:i].all())
                total += 1
                start = None
    return right / total, float(np.mean(losses))


def learning_rate(step):
    return float(np.interp(step + 1, *zip(*SCHEDULE)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--run', type=Path, required=True)
    p.add_argument('--batch', type=int, default=8)
    p.add_argument('--row', type=int, default=320)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--every', type=int, default=400, help='steps between checkpoints')
    p.add_argument('--resume', action='store_true', help='go on from the checkpoint of the run folder')
    a = p.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    a.run.mkdir(parents=True, exist_ok=True)
    encoder = Encoder()
    model = MistralForCausalLM(config(encoder.tok.get_vocab_size()))
    model.train()
    groups = [{'params': [q for q in model.parameters() if q.ndim > 1], 'weight_decay': 0.05},
              {'params': [q for q in model.parameters() if q.ndim < 2], 'weight_decay': 0.0}]
    opt = torch.optim.AdamW(groups, lr=learning_rate(0), betas=(0.9, 0.97), eps=1e-8, fused=True)
    step, seen = 0, 0.0
    if a.resume:
        state = torch.load(a.run / 'checkpoint.pt', weights_only=True)
        model.load_state_dict(state['model'])
        opt.load_state_dict(state['opt'])
        step, seen = state['step'], state['seconds']
    print(f'{sum(q.numel() for q in model.parameters()):,} parameters, start at step {step}', flush=True)
    rows = Rows(Sampler(0), encoder, a.row)
    log = a.run / 'log.csv'
    kept = [x for x in log.read_text().splitlines()[1:] if int(x.split(',')[0]) <= step] if a.resume else []
    log.write_text('\n'.join(['step,seconds,lr,loss,answer_loss,held_loss,held_exact', *kept]) + '\n')
    begin, mean = time.time() - seen, []
    steps = SCHEDULE[-1][0]
    while step < steps:
        for g in opt.param_groups:
            g['lr'] = learning_rate(step)
        loss, answer, _, _ = loss_of(model, rows.batch(a.batch, a.seed * 1000003 + step, HEADS_SHARE if step >= HEADS_FROM else 0.0))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        opt.zero_grad(set_to_none=True)
        mean.append((loss.item(), answer.item()))
        step += 1
        last = step % a.every == 0 or step == steps
        if step % 50 == 0 or last:
            m = np.mean(mean, axis=0)
            mean = []
            held = ['', '']
            if last:
                model.eval()
                exact, held_loss = held_out(model, encoder, 99, 200)
                held = [f'{held_loss:.4f}', f'{exact:.4f}']
                model.train()
                tmp = a.run / 'checkpoint.tmp'
                torch.save({'model': model.state_dict(), 'opt': opt.state_dict(), 'step': step, 'seconds': time.time() - begin}, tmp)
                tmp.replace(a.run / 'checkpoint.pt')
            line = [step, f'{time.time() - begin:.0f}', f"{opt.param_groups[0]['lr']:.6f}", f'{m[0]:.4f}', f'{m[1]:.4f}'] + held
            with log.open('a', newline='') as f:
                csv.writer(f, lineterminator='\n').writerow(line)
            print(*line, flush=True)


if __name__ == '__main__':
    main()
