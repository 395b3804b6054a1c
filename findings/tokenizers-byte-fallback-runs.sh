#!/usr/bin/env bash
# version: tokenizers 0.23.2 for Python, sentencepiece 0.2.2 and @huggingface/tokenizers 0.2.0
# behaviour: the decoder `ByteFallback`, which Llama's and Mistral's tokenizer.json have, reads a run of byte tokens as one: where the run as a whole is no
#   UTF-8, every byte of it becomes U+FFFD, those of whole characters too. The ids of 日本 without the last of its six bytes are five
#   replacement characters in tokenizers, the whole 日 among them; sentencepiece, which trained the vocabulary, gives 日 and two replacement
#   characters, and @huggingface/tokenizers 日 and one. An answer that ends at its token limit within a character so loses
#   characters that were complete, and the text of more ids does not begin with the text of fewer, which readers of a stream count on.
#   No error, no warning.
# One small vocabulary with all byte tokens decodes the beginnings of two texts in all three.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @huggingface/tokenizers@0.2.0 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check tokenizers==0.23.2 sentencepiece==0.2.2 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { Tokenizer } from '@huggingface/tokenizers'
import { readFileSync } from 'node:fs'
const tokenizer = new Tokenizer(JSON.parse(readFileSync('tokenizer.json', 'utf8')), {})
const texts = JSON.parse(readFileSync('ids.json', 'utf8')).map((ids) => tokenizer.decode(ids, { clean_up_tokenization_spaces: false }))
console.log(JSON.stringify(texts))
JS
cat > try.py <<'PY'
import io
import json
import pathlib
import subprocess
import sys

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from tokenizers import Tokenizer, decoders, models

made = io.BytesIO()
SentencePieceTrainer.train(
    sentence_iterator=iter(["ab ba abba"] * 20), model_writer=made, vocab_size=270, model_type="bpe", byte_fallback=True,
    hard_vocab_limit=False, minloglevel=2,
)
processor = SentencePieceProcessor(model_proto=made.getvalue())
vocabulary = {processor.id_to_piece(each): each for each in range(processor.vocab_size())}
tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
tokenizer.decoder = decoders.Sequence(
    [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
)
pathlib.Path("tokenizer.json").write_text(tokenizer.to_str())
LOST = "\ufffd"
# Of each: the text, how many of its bytes, and what tokenizers, sentencepiece and JavaScript give.
CASES = [
    ("日本", 3, "日", "日", "日"),
    ("日本", 4, LOST * 4, "日" + LOST, "日" + LOST),
    ("日本", 5, LOST * 5, "日" + LOST * 2, "日" + LOST),
    ("日本", 6, "日本", "日本", "日本"),
    ("é€", 2, "é", "é", "é"),
    ("é€", 4, LOST * 4, "é" + LOST * 2, "é" + LOST),
]
ids = [[vocabulary[f"<0x{byte:02X}>"] for byte in text.encode()[:count]] for text, count, *_ in CASES]
pathlib.Path("ids.json").write_text(json.dumps(ids))
javascript = json.loads(subprocess.run(["node", "try.mjs"], check=True, capture_output=True, text=True).stdout)
same = True
for (text, count, *expected), given, in_javascript in zip(CASES, ids, javascript):
    seen = [tokenizer.decode(given), processor.decode(given), in_javascript]
    print(f"{count} bytes of {text}: {seen[0]} in tokenizers, {seen[1]} in sentencepiece, {seen[2]} in JavaScript")
    same = same and seen == expected
sys.exit(0 if same else 1)
PY
PYTHONIOENCODING=utf-8 venv/bin/python try.py
