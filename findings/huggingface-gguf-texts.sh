#!/usr/bin/env bash
# version: @huggingface/gguf 0.4.6, against gguf 0.19.0 for Python (llama.cpp's)
# behaviour: the parser that the Hub and many pages use gives other texts than a GGUF has, without an error or a warning. A text that begins with U+FEFF
#   loses it: of the pieces "\ufeff", "\ufeffusing" and "using", which are three in the file, the first is empty and the others are the same. The last
#   text of an array loses its end where byte 2,000,000 lies in it, or a multiple, since one chunk of the download ends there and the text is
#   cut to what is at hand: "last of all" is "last of". Other items of the array are whole, and so is what follows it. And what was read cannot always be
#   written: `serializeGgufMetadata` refuses arrays of the type 0, unsigned numbers of 8 bits, as if no type had been given, though it
#   was read; `tokenizer.ggml.precompiled_charsmap` is one.
# Two files are written by gguf and read by both, and the metadata of one are put together again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @huggingface/gguf@0.4.6 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check gguf==0.19.0 2> errors || { cat errors >&2; exit 2; }
cat > make.py <<'PY'
import pathlib

from gguf import GGUFReader, GGUFWriter, GGUFValueType

CHUNK = 2_000_000


def write(name, tokens, charsmap=None):
    writer = GGUFWriter(name, "llama")
    writer.add_array("tokenizer.ggml.tokens", tokens)
    if charsmap is not None:
        writer.add_key_value("tokenizer.ggml.precompiled_charsmap", charsmap, GGUFValueType.ARRAY, GGUFValueType.UINT8)
    writer.add_uint32("tokenizer.ggml.bos_token_id", 1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    return GGUFReader(name).fields


small = ["\ufeff", "\ufeffusing", "using"]
fields = write("small.gguf", small, bytes([1, 2, 3]))
assert fields["tokenizer.ggml.tokens"].contents() == small
# 90,000 pieces of 12 characters, a long one, and a last one of which 7 characters lie in the first chunk.
pieces = [f"piece{each:07}" for each in range(89_998)]
write("large.gguf", [*pieces, "", "last of all"])
place = pathlib.Path("large.gguf").read_bytes().index(b"last of all")
fields = write("large.gguf", [*pieces, "x" * (CHUNK - place - 7), "last of all"])
assert fields["tokenizer.ggml.tokens"].contents()[-1] == "last of all"
PY
cat > try.mjs <<'JS'
import { gguf, serializeGgufMetadata } from '@huggingface/gguf'
const read = (file) => gguf(file, { allowLocalFile: true, typedMetadata: true })
const { metadata, typedMetadata } = await read('small.gguf')
const small = metadata['tokenizer.ggml.tokens']
console.log('small.gguf:', JSON.stringify(small))
const { metadata: large } = await read('large.gguf')
const tokens = large['tokenizer.ggml.tokens']
console.log(`large.gguf: ${tokens.length} pieces, the last is "${tokens.at(-1)}"; BOS is ${large['tokenizer.ggml.bos_token_id']}`)
let refusal
try {
  serializeGgufMetadata(typedMetadata)
} catch ({ message }) {
  refusal = message
}
console.log('put together again:', refusal)
const same =
  JSON.stringify(small) === '["","using","using"]' && tokens.length === 90_000 && tokens.at(-1) === 'last of' &&
  tokens.at(-3) === 'piece0089997' && large['tokenizer.ggml.bos_token_id'] === 1 && refusal === 'Array type requires subType to be specified'
process.exit(same ? 0 : 1)
JS
venv/bin/python make.py
node try.mjs
