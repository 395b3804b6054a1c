#!/usr/bin/env bash
# version: llama.cpp as node-llama-cpp 3.21.1 has it for Linux x64, against sentencepiece 0.2.2; the file is written by gguf 0.19.0
# behaviour: in a vocabulary of SentencePiece whose texts get a space in front, a user-defined piece moves that space in llama.cpp: a text that begins with such a
#   piece gets none, and what follows a piece gets one each time. "<tool>abba" is ▁, <tool>, abba in sentencepiece and <tool>, ▁abba in llama.cpp,
#   and "ab<tool>abba<tool>ba", which sentencepiece gives back as it was, comes back from llama.cpp as "ab<tool> abba<tool> ba". The special
#   tokens need not be asked for: user-defined pieces are found in every text. The file of the GGUF has all that sentencepiece
#   used, and no error or warning says that the ids are others.
# A small vocabulary with one such piece is trained, written as a GGUF, and encodes the same texts in both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-llama-cpp@3.21.1 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check sentencepiece==0.2.2 gguf==0.19.0 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.disabled })
const model = await llama.loadModel({ modelPath: 'vocabulary.gguf', vocabOnly: true })
const results = JSON.parse(readFileSync('texts.json', 'utf8')).map((text) => {
  const ids = model.tokenize(text, false)
  return [[...ids], model.detokenize(ids)]
})
process.stdout.write(JSON.stringify(results), () => process.exit(0))
JS
cat > try.py <<'PY'
import io
import json
import pathlib
import subprocess
import sys

from gguf import GGUFWriter, TokenType
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

made = io.BytesIO()
SentencePieceTrainer.train(
    sentence_iterator=iter(["ab ba abba abba ba"] * 20), model_writer=made, vocab_size=290, model_type="bpe", byte_fallback=True,
    normalization_rule_name="identity", remove_extra_whitespaces=False, user_defined_symbols=["<tool>"], hard_vocab_limit=False,
    minloglevel=2,
)
processor = SentencePieceProcessor(model_proto=made.getvalue())
pieces = [processor.id_to_piece(each) for each in range(processor.vocab_size())]


def kind(each):
    if pieces[each] == "<tool>":
        return TokenType.USER_DEFINED
    tests = {TokenType.UNKNOWN: processor.is_unknown, TokenType.CONTROL: processor.is_control, TokenType.BYTE: processor.is_byte}
    return next((found for found, test in tests.items() if test(each)), TokenType.NORMAL)


writer = GGUFWriter("vocabulary.gguf", "llama")
for add, value in (
    (writer.add_context_length, 64), (writer.add_embedding_length, 32), (writer.add_block_count, 1), (writer.add_feed_forward_length, 32),
    (writer.add_head_count, 2), (writer.add_layer_norm_rms_eps, 1e-5), (writer.add_tokenizer_model, "llama"), (writer.add_token_list, pieces),
    (writer.add_token_scores, [processor.get_score(each) for each in range(len(pieces))]),
    (writer.add_token_types, [kind(each) for each in range(len(pieces))]),
    (writer.add_bos_token_id, 1), (writer.add_eos_token_id, 2), (writer.add_unk_token_id, 0),
    (writer.add_add_bos_token, False), (writer.add_add_space_prefix, True),
):
    add(value)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.close()

# Of each: the text, its pieces in sentencepiece and in llama.cpp, and the text that comes back from llama.cpp.
CASES = [
    ("abba ba", "▁abba ▁ba", "▁abba ▁ba", "abba ba"),
    ("<tool>abba", "▁ <tool> abba", "<tool> ▁abba", "<tool> abba"),
    ("ab<tool>abba<tool>ba", "▁ab <tool> abba <tool> ba", "▁ab <tool> ▁abba <tool> ▁ba", "ab<tool> abba<tool> ba"),
    ("ab<tool> ba", "▁ab <tool> ▁ba", "▁ab <tool> ▁ ▁ba", "ab<tool>  ba"),
]
texts = [text for text, *_ in CASES]
pathlib.Path("texts.json").write_text(json.dumps(texts))
found = json.loads(subprocess.run(["node", "try.mjs"], check=True, capture_output=True, text=True).stdout)
same = True
for (text, *expected), (ids, back) in zip(CASES, found):
    own = processor.encode(text)
    seen = [" ".join(pieces[each] for each in own), " ".join(pieces[each] for each in ids), back]
    print(f"{text!r}: {seen[0]} in sentencepiece, {seen[1]} in llama.cpp, which gives {back!r} back")
    same = same and seen == expected and processor.decode(own) == text
sys.exit(0 if same else 1)
PY
PYTHONIOENCODING=utf-8 venv/bin/python try.py
