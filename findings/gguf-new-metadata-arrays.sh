#!/usr/bin/env bash
# version: gguf 0.19.0 for Python (llama.cpp's), against @huggingface/gguf 0.4.6
# behaviour: `gguf-new-metadata`, which copies a GGUF and changes the keys that it is told to, changes arrays of arrays that it was not told of: [[1, 2], [3]]
#   becomes [1, 2, 3] and [["a", "b"], ["c"]] becomes ["a", "b", "c"] in the copy, without an error or a warning. GGUF has such arrays by its definition,
#   the package writes them, and @huggingface/gguf reads them as they are; the package's own `GGUFReader` gives their items in one row. Where the file has
#   an array without items, the copy ends with "Empty array", whichever key was to be changed. An empty text or array that a caller
#   gives to `add_string()` or `add_array()` is left out of the file altogether, key and all.
# A small file is written and copied with another name; a second one has an empty array, put in by hand.
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
import struct

from gguf import GGUFWriter


def write(name, arrays):
    writer = GGUFWriter(name, "llama")
    for key, value in arrays.items():
        writer.add_array(key, value)
    writer.add_string("x.text", "")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()


write("first.gguf", {"x.numbers": [[1, 2], [3]], "x.texts": [["a", "b"], ["c"]], "x.none": []})
write("second.gguf", {"x.none": [7]})
# Of the array of one 32-bit integer the length becomes 0, and its item goes.
bytes_ = pathlib.Path("second.gguf").read_bytes()
item = bytes_.index(b"x.none") + 6 + 4 + 4
pathlib.Path("second.gguf").write_bytes(bytes_[:item] + struct.pack("<Q", 0) + bytes_[item + 12:])
PY
cat > try.mjs <<'JS'
import { gguf } from '@huggingface/gguf'
const EXPECTED = {
  'first.gguf': { 'x.numbers': [[1, 2], [3]], 'x.texts': [['a', 'b'], ['c']] },
  'copy.gguf': { 'x.numbers': [1, 2, 3], 'x.texts': ['a', 'b', 'c'] },
  'second.gguf': { 'x.none': [] },
}
let same = true
for (const [file, expected] of Object.entries(EXPECTED)) {
  const { metadata } = await gguf(file, { allowLocalFile: true })
  const seen = Object.fromEntries(Object.entries(metadata).filter(([key]) => key.startsWith('x.')))
  console.log(file, JSON.stringify(seen))
  same &&= JSON.stringify(seen) === JSON.stringify(expected)
}
process.exit(same ? 0 : 1)
JS
venv/bin/python make.py
venv/bin/gguf-new-metadata first.gguf copy.gguf --general-name other --force 2> log || { cat log >&2; exit 1; }
node try.mjs
if venv/bin/gguf-new-metadata second.gguf second-copy.gguf --general-name other --force 2> log; then exit 1; fi
grep 'Empty array' log
