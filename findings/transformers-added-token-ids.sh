#!/usr/bin/env bash
# version: transformers 5.18.0 (with tokenizers 0.23.2)
# behaviour: the keys of `added_tokens_decoder` in tokenizer_config.json (and the values of added_tokens.json) are ids, but
#   the ids are not used. A token that the vocabulary lacks gets the next free id. Where a gap lies before it, as in a
#   vocabulary that was padded to a round number before tokens were added, the loaded tokenizer gives another id than the
#   file states and the model was trained with, without an error or a warning.
# A folder with a vocabulary of 3 tokens is made whose config puts "<|im_end|>" at id 8 and makes it the end of text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --retries 1 --disable-pip-version-check transformers==5.18.0 tokenizers==0.23.2 \
  2> "$folder/errors" || { cat "$folder/errors" >&2; exit 2; }
cat > "$folder/try.py" <<'PY'
import json
import pathlib
import sys

from tokenizers import Tokenizer, models
from transformers import AutoTokenizer

folder = pathlib.Path(sys.argv[1]) / "model"
folder.mkdir()
Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")])).save(str(folder / "tokenizer.json"))
token = {"content": "<|im_end|>", "special": True, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False}
config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "added_tokens_decoder": {"8": token}}
(folder / "tokenizer_config.json").write_text(json.dumps(config))
(folder / "config.json").write_text(json.dumps({"model_type": "mistral", "vocab_size": 9, "eos_token_id": 8}))
tokenizer = AutoTokenizer.from_pretrained(folder)
seen = (tokenizer.encode("ab<|im_end|>"), tokenizer.eos_token_id)
print(f"the file puts <|im_end|> at 8; 'ab<|im_end|>' is encoded as {seen[0]}, eos_token_id is {seen[1]}")
sys.exit(0 if seen == ([2, 3], 3) else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder" 2> "$folder/errors" || { code=$?; cat "$folder/errors" >&2; exit "$code"; }
