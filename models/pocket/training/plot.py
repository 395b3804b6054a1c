"""Draws loss.svg from the log.csv of a run: loss on answers in training and on held-out phrasings, log scale.

    python plot.py --log log.csv --out ../loss.svg
"""
import argparse
import csv
import math
from pathlib import Path

W, H, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 56, 16, 28, 40


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--log', type=Path, required=True)
    p.add_argument('--out', type=Path, default=Path(__file__).parent.parent / 'loss.svg')
    a = p.parse_args()
    rows = list(csv.DictReader(a.log.open()))
    train = [(int(r['step']), float(r['answer_loss'])) for r in rows]
    held = [(int(r['step']), float(r['held_loss'])) for r in rows if r['held_loss']]
    last = train[-1][0]
    low = math.floor(math.log10(min(v for _, v in train + held)))
    high = math.ceil(math.log10(max(v for _, v in train + held)))
    x = lambda s: LEFT + (W - LEFT - RIGHT) * s / last
    y = lambda v: TOP + (H - TOP - BOTTOM) * (high - math.log10(v)) / (high - low)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {W} {H}" font-family="sans-serif" font-size="12">',
           f'<rect width="{W}" height="{H}" fill="#fff"/>']
    for e in range(low, high + 1):
        v = 10.0 ** e
        out.append(f'<path d="M{LEFT} {y(v):.1f}H{W - RIGHT}" stroke="#ddd"/><text x="{LEFT - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:g}</text>')
    step = 10 ** math.floor(math.log10(last))
    step = step if last / step >= 3 else step // 2
    for s in range(0, last + 1, step):
        out.append(f'<text x="{x(s):.1f}" y="{H - BOTTOM + 16}" text-anchor="middle">{s}</text>')
    out.append(f'<text x="{(LEFT + W - RIGHT) / 2}" y="{H - 6}" text-anchor="middle">step</text>')
    for points, colour, name, k in ((train, '#2962a8', 'training, answer tokens', 0), (held, '#c4481b', 'held-out phrasings, answer tokens', 1)):
        path = 'L'.join(f'{x(s):.1f} {y(v):.1f}' for s, v in points)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out.append(f'<path d="M{W - 250} {TOP + 4 + 18 * k}h20" stroke="{colour}" stroke-width="2"/><text x="{W - 224}" y="{TOP + 8 + 18 * k}">{name}</text>')
    out.append(f'<text x="{LEFT}" y="16" font-weight="bold">Cross-entropy (nats per token)</text></svg>')
    a.out.write_text('\n'.join(out) + '\n', encoding='utf8')


if __name__ == '__main__':
    main()
