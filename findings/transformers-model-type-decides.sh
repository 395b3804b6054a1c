#!/usr/bin/env bash
# version: transformers 5.18.0 (with tokenizers 0.23.2)
# behaviour: whether the normalizer and the pre-tokenizer of tokenizer.json are used is decided by `model_type` in config.json. With the same
#   tokenizer.json, and `"tokenizer_class": "LlamaTokenizer"` in tokenizer_config.json, a folder of the type `mistral` is tokenized as the file
#   says and as the library `tokenizers` does it, while in one of the type `llama` both are thrown away without a warning, and a fixed Metaspace
#   stands in their place: digits that the file parts stay together, a text gets a space in front that the file does not add, and upper case
#   that the file makes lower is left, so that the ids are others than those that the model was trained with. For a file with Llama 2's own
#   normalizer a space at the beginning of a text is lost, and none is added behind a control token.
# Both files are made of one small vocabulary, and both folders of each differ in the word after `model_type` only.
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

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer

CONTROL = ["<unk>", "<s>", "</s>"]
MERGES = [("a", "b"), ("▁", "ab"), ("1", "2"), ("12", "3")]
PIECES = [*CONTROL, *(f"<0x{byte:02X}>" for byte in range(256)), *"▁abcd123", *("".join(pair) for pair in MERGES)]
KINDS = {
    "digits apart, lower case": (
        normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(" ", "▁")]), pre_tokenizers.Digits(individual_digits=True),
    ),
    "as in Llama 2": (normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None),
}
EXPECTED = {
    "digits apart, lower case": {
        "ab 123": (["ab", "▁", "1", "2", "3"], ["▁ab", "▁", "123"]), "AB": (["ab"], ["▁", "<0x41>", "<0x42>"]),
    },
    "as in Llama 2": {" ab": (["▁", "▁ab"], ["▁ab"]), "</s>ab": (["</s>", "▁ab"], ["</s>", "ab"])},
}


def tokens_of(path, text):
    tokenizer = AutoTokenizer.from_pretrained(path)
    return tokenizer.convert_ids_to_tokens(tokenizer.encode(text, add_special_tokens=False))


same = True
for number, (kind, (normalizer, pre_tokenizer)) in enumerate(KINDS.items()):
    vocabulary = {piece: index for index, piece in enumerate(PIECES)}
    file = Tokenizer(models.BPE(vocabulary, MERGES, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    file.normalizer = normalizer
    if pre_tokenizer is not None:
        file.pre_tokenizer = pre_tokenizer
    file.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    file.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in CONTROL])
    paths = {}
    for model_type in ("mistral", "llama"):
        paths[model_type] = pathlib.Path(sys.argv[1]) / f"{model_type}-{number}"
        paths[model_type].mkdir()
        file.save(str(paths[model_type] / "tokenizer.json"))
        config = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
        (paths[model_type] / "tokenizer_config.json").write_text(json.dumps(config))
        (paths[model_type] / "config.json").write_text(json.dumps({"model_type": model_type}))
    for text, expected in EXPECTED[kind].items():
        by_file = file.encode(text, add_special_tokens=False).tokens
        seen = {model_type: tokens_of(path, text) for model_type, path in paths.items()}
        print(f"{kind}, {text!r}: tokenizers {by_file}, mistral {seen['mistral']}, llama {seen['llama']}")
        same = same and by_file == seen["mistral"] == expected[0] and seen["llama"] == expected[1]
sys.exit(0 if same else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder" 2> "$folder/errors" || { code=$?; cat "$folder/errors" >&2; exit "$code"; }
