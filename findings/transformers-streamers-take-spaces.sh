#!/usr/bin/env bash
# version: transformers 5.18.0 (with tokenizers 0.23.2 and torch 2.13.0), and @huggingface/transformers 4.3.2 for JavaScript
# behaviour: with the decoder of Llama's and Mistral's tokenizer.json for vocabularies of SentencePiece, which takes one space away at the beginning of a text,
#   `TextStreamer` and `TextIteratorStreamer` lose a space at the beginning of each line: after a line end they forget what came before and decode
#   what follows as a text of its own. Of code that is indented by four spaces the stream has three, so that a line of Python that was
#   indented by one is no longer, while `decode()` of the same ids is right. The streamer of transformers.js does the same, and loses the space before the
#   first word of an answer too where the prompt is shown with it. No error, no warning; the tokenizers of Tekken's kind are not affected.
# Both give a streamer the ids of a prompt and those of an answer, one by one, as `generate` does it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/transformers@4.3.2 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check transformers==5.18.0 tokenizers==0.23.2 torch==2.13.0 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { PreTrainedTokenizer, TextStreamer } from '@huggingface/transformers'
const { file, special, prompt, answer } = JSON.parse(readFileSync('case.json', 'utf8'))
const tokenizer = new PreTrainedTokenizer(file, { ...special, clean_up_tokenization_spaces: false })
function streamed(skip_prompt) {
  let text = ''
  const streamer = new TextStreamer(tokenizer, { skip_prompt, callback_function: (piece) => { text += piece } })
  streamer.put([prompt.map(BigInt)])
  for (const id of answer) streamer.put([[BigInt(id)]])
  streamer.end()
  return text
}
console.log(JSON.stringify([tokenizer.decode(answer), streamed(true), streamed(false)]))
JS
cat > try.py <<'PY'
import json
import pathlib
import subprocess
import sys

import torch
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast, TextIteratorStreamer

PIECES = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁▁▁", "▁if", "▁a", "▁return", ":"]
VOCABULARY = {piece: i for i, piece in enumerate(PIECES)}
SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
whole = Tokenizer(models.BPE(VOCABULARY, [], unk_token="<unk>", byte_fallback=True))
whole.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
whole.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
tokenizer = PreTrainedTokenizerFast(tokenizer_object=whole, **SPECIAL)
prompt = [VOCABULARY[piece] for piece in ["▁return", ":"]]
answer = [VOCABULARY[piece] for piece in ["▁if", "▁a", ":", "<0x0A>", "▁▁▁", "▁return", "▁a", "<0x0A>", "▁return"]]


def streamed(skip_prompt):
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=skip_prompt)
    for ids in [prompt, *([each] for each in answer)]:
        streamer.put(torch.tensor(ids))
    streamer.end()
    return "".join(streamer)


case = {"file": json.loads(whole.to_str()), "special": SPECIAL, "prompt": prompt, "answer": answer}
pathlib.Path("case.json").write_text(json.dumps(case))
javascript = json.loads(subprocess.run(["node", "try.mjs"], check=True, capture_output=True, text=True).stdout)
python = [tokenizer.decode(answer), streamed(True), streamed(False)]
for language, (decoded, alone, after) in (("Python", python), ("JavaScript", javascript)):
    print(f"{language}: decoded {decoded!r}, streamed {alone!r}, behind its prompt {after!r}")
DECODED, STREAMED = "if a:\n    return a\n return", "if a:\n   return a\nreturn"
same = python == [DECODED, STREAMED, f"return: {STREAMED}"] and javascript == [DECODED, STREAMED, f"return:{STREAMED}"]
sys.exit(0 if same else 1)
PY
PYTHONIOENCODING=utf-8 venv/bin/python try.py
