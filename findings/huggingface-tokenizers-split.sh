#!/usr/bin/env bash
# version: @huggingface/tokenizers 0.2.0 (what transformers.js tokenizes with), against tokenizers 0.23.2 for Python
# behaviour: of the ways in which a `Split` of tokenizer.json may cut a text, only `Isolated` and `Removed` of a regular expression are followed. With
#   `MergedWithPrevious`, `MergedWithNext` and `Contiguous` each match stands alone instead, `Removed` with a `String` keeps what it
#   should take away, and with `invert` all that does not match is lost, as if the behavior were `Removed`: a text can come out with
#   no id at all. `Punctuation` is alike: its `behavior` is not read, so that `Removed` keeps every sign. An added token with `single_word` is
#   found inside of a word where the letter beside it is not ASCII. All of this without an error or a warning: the ids are others than those of
#   the same file in Python.
# Both libraries load the same files and encode the same texts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @huggingface/tokenizers@0.2.0 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
venv/bin/pip install --quiet --retries 1 --disable-pip-version-check tokenizers==0.23.2 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { Tokenizer } from '@huggingface/tokenizers'
import { readFileSync } from 'node:fs'
const cases = JSON.parse(readFileSync('cases.json'))
const tokens = cases.map(({ file, text }) => new Tokenizer(file, {}).encode(text, { add_special_tokens: false }).tokens)
console.log(JSON.stringify(tokens))
JS
cat > try.py <<'PY'
import json
import pathlib
import subprocess
import sys

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

MERGES = [("a", " "), (" ", "b"), (" ", " "), ("a", "!"), ("!", "b")]
PIECES = ["<unk>", *"ab !é", *("".join(pair) for pair in MERGES)]


def file_of(pre_tokenizer, added=None):
    vocabulary = {piece: index for index, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(models.BPE(vocabulary, MERGES, unk_token="<unk>"))
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    if added is not None:
        tokenizer.add_tokens([added])
    return tokenizer


split = pre_tokenizers.Split
punctuation = pre_tokenizers.Punctuation
# Of each: the name, the tokenizer, the text, the tokens in Python, and those in JavaScript.
CASES = [
    ("Split ' ' isolated", file_of(split(" ", "isolated")), "a b", ["a", " ", "b"], ["a", " ", "b"]),
    ("Split / / removed", file_of(split(Regex(" "), "removed")), "a b", ["a", "b"], ["a", "b"]),
    ("Split ' ' removed", file_of(split(" ", "removed")), "a b", ["a", "b"], ["a", " ", "b"]),
    ("Split / / merged with previous", file_of(split(Regex(" "), "merged_with_previous")), "a b", ["a ", "b"], ["a", " ", "b"]),
    ("Split / / merged with next", file_of(split(Regex(" "), "merged_with_next")), "a b", ["a", " b"], ["a", " ", "b"]),
    ("Split / / contiguous", file_of(split(Regex(" "), "contiguous")), "a  b", ["a", "  ", "b"], ["a", " ", " ", "b"]),
    ("Split /[ab]/ isolated, inverted", file_of(split(Regex("[ab]"), "isolated", invert=True)), "a! b", ["a", "!", " ", "b"], ["a", "b"]),
    ("the same step", file_of(split(Regex("[ab]"), "isolated", invert=True)), "!  !", ["!", "  ", "!"], []),
    ("Punctuation removed", file_of(punctuation("removed")), "a!b", ["a", "b"], ["a", "!", "b"]),
    ("Punctuation merged with previous", file_of(punctuation("merged_with_previous")), "a!b", ["a!", "b"], ["a", "!", "b"]),
    ("an added 'ab' with single_word", file_of(None, AddedToken("ab", single_word=True)), "éab", ["é", "a", "b"], ["é", "ab"]),
]
cases = [{"file": json.loads(tokenizer.to_str()), "text": text} for _, tokenizer, text, _, _ in CASES]
pathlib.Path("cases.json").write_text(json.dumps(cases))
javascript = json.loads(subprocess.run(["node", "try.mjs"], check=True, capture_output=True, text=True).stdout)
same = True
for (name, tokenizer, text, in_python, in_javascript), seen in zip(CASES, javascript):
    python = tokenizer.encode(text, add_special_tokens=False).tokens
    print(f"{name}, {text!r}: {python} in Python, {seen} in JavaScript")
    same = same and python == in_python and seen == in_javascript
sys.exit(0 if same else 1)
PY
venv/bin/python try.py
