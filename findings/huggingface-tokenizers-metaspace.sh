#!/usr/bin/env bash
# version: @huggingface/tokenizers 0.2.0 (what transformers.js tokenizes with), against tokenizers 0.23.2 for Python
# behaviour: the pre-tokenizer `Metaspace` cuts a text before each ▁ unless the file says `"split": false`; in JavaScript the field is not read and nothing is cut,
#   so that pieces of the vocabulary go across words: with the merges of a▁b, "a b" is ▁, a▁b there and ▁a, ▁, b in Python, and two spaces are ▁▁
#   there and ▁, ▁ in Python. As a decoder with `"prepend_scheme": "never"`, by which no space was put before the text, it takes the first space
#   of a text away in JavaScript all the same. With "always" Python in its turn takes every ▁ of the first token away, JavaScript one: of a text
#   that begins with two spaces, one token, "  a" comes back as "a" in Python and as " a" in JavaScript. No error, no warning.
# Both libraries load the same files, encode the same texts and decode the ids that Python gave.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @huggingface/tokenizers@0.2.0 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check tokenizers==0.23.2 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { Tokenizer } from '@huggingface/tokenizers'
const results = JSON.parse(readFileSync('cases.json', 'utf8')).map(({ file, text, ids }) => {
  const tokenizer = new Tokenizer(file, {})
  return [tokenizer.encode(text).tokens, tokenizer.decode(ids, { clean_up_tokenization_spaces: false })]
})
console.log(JSON.stringify(results))
JS
cat > try.py <<'PY'
import json
import pathlib
import subprocess
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

MERGES = [("▁", "▁"), ("a", "▁"), ("a▁", "b"), ("▁", "a")]
VOCABULARY = {piece: i for i, piece in enumerate(["<unk>", *"▁ab", *("".join(pair) for pair in MERGES)])}


def tokenizer_with(**fields):
    tokenizer = Tokenizer(models.BPE(VOCABULARY, MERGES, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(**fields)
    tokenizer.decoder = decoders.Metaspace(**fields)
    return tokenizer


# Of each: the fields, the text, the tokens in Python and in JavaScript, the decoded text in Python and in JavaScript.
CASES = [
    ({}, "a b", "▁a ▁ b", "▁ a▁b", "a b", "a b"),
    ({}, "a  b", "▁a ▁ ▁ b", "▁a ▁▁ b", "a  b", "a  b"),
    ({"prepend_scheme": "first"}, "  a", "▁ ▁a", "▁▁ a", " a", " a"),
    ({"split": False}, "a b", "▁ a▁b", "▁ a▁b", "a b", "a b"),
    ({"split": False}, "  a", "▁▁ a", "▁▁ a", "a", " a"),
    ({"prepend_scheme": "never", "split": False}, "a b", "a▁b", "a▁b", "a b", "a b"),
    ({"prepend_scheme": "never", "split": False}, " a b", "▁ a▁b", "▁ a▁b", " a b", "a b"),
]
tokenizers = [tokenizer_with(**fields) for fields, *_ in CASES]
in_python = [tokenizer.encode(text) for tokenizer, (_, text, *_) in zip(tokenizers, CASES)]
given = [
    {"file": json.loads(tokenizer.to_str()), "text": text, "ids": encoded.ids}
    for tokenizer, (_, text, *_), encoded in zip(tokenizers, CASES, in_python)
]
pathlib.Path("cases.json").write_text(json.dumps(given))
javascript = json.loads(subprocess.run(["node", "try.mjs"], check=True, capture_output=True, text=True).stdout)
same = True
for (fields, text, *expected), tokenizer, encoded, (tokens, decoded) in zip(CASES, tokenizers, in_python, javascript):
    seen = [" ".join(encoded.tokens), " ".join(tokens), tokenizer.decode(encoded.ids), decoded]
    print(f"{fields}, {text!r}: {seen[0]} in Python, {seen[1]} in JavaScript; back as {seen[2]!r} and {seen[3]!r}")
    same = same and seen == expected
sys.exit(0 if same else 1)
PY
PYTHONIOENCODING=utf-8 venv/bin/python try.py
