#!/usr/bin/env bash
# version: best-effort-json-parser 1.5.1 and @langchain/core 1.4.0, beside partial-json 0.1.7
# behaviour: both read the beginning of a JSON text, as it is at hand while a model writes it, and both give what the text never had, without an error or a
#   warning. best-effort-json-parser knows no exponents there: of {"rate": 1e-4, "steps": 3 it makes a rate of 1 and a member that is called
#   `e-4, "steps"`, and of [1e3, 2 the list 1, "e3", 2; the same text is right as soon as its last bracket is there, since JSON.parse is asked
#   first, so that what was shown changes at the end. The streams of `JsonOutputParser` show an escape as it grows: of "a\u00e9\n" the results hold
#   a\, au, au0, au00 and au00e before aé, and aé\ before the line end. A string so is not the beginning of its later self, and whoever shows
#   only what was added to it, as it comes, shows "au00e" for good. partial-json leaves an escape out until it is whole.
# All beginnings of some texts are read, and the strings and names of what comes are looked for in the whole text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund best-effort-json-parser@1.5.1 @langchain/core@1.4.0 partial-json@0.1.7 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { JsonOutputParser } from '@langchain/core/output_parsers'
import { parse as bestEffort } from 'best-effort-json-parser'
import { parse as partial } from 'partial-json'

function orError(read) {
  try {
    return read()
  } catch {
    return undefined
  }
}
async function langchain(text) {
  async function* characters() {
    yield* text
  }
  const results = []
  for await (const result of new JsonOutputParser().transform(characters(), {})) results.push(result)
  return results
}
const READERS = {
  'best-effort-json-parser': (text) => [...text].map((_, i) => orError(() => bestEffort(text.slice(0, i + 1)))),
  '@langchain/core': langchain,
  'partial-json': (text) => [...text].map((_, i) => orError(() => partial(text.slice(0, i + 1)))),
}
/** What `part` has that is no beginning of `whole`: names and items that are not there, and texts that the text there does not begin with. */
function invented(part, whole) {
  if (typeof part === 'string') return String(whole).startsWith(part) && typeof whole === 'string' ? [] : [part]
  if (part === null || typeof part !== 'object') return []
  return Object.keys(part).flatMap((name) => (part[name] !== undefined && !(name in whole) ? [name] : invented(part[name], whole[name])))
}
const TEXTS = ['{"rate": 1e-4, "steps": 3}', '[1e3, 2]', String.raw`{"text": "a\u00e9\n"}`, String.raw`{"text": "plain", "n": [-2.5]}`]
// Of each reader: what it makes up of each text.
const EXPECTED = {
  'best-effort-json-parser': [['e-4, "steps"'], ['e', 'e3', '2'], [], []],
  '@langchain/core': [[], [], ['a\\', 'au', 'au0', 'au00', 'au00e', 'aé\\'], []],
  'partial-json': [[], [], [], []],
}
let same = true
for (const [name, read] of Object.entries(READERS)) {
  for (const [i, text] of TEXTS.entries()) {
    const whole = JSON.parse(text)
    const results = await read(text)
    const seen = [[...new Set(results.flatMap((result) => invented(result, whole)))], results.at(-1)]
    console.log(`${name}, ${text}: invents ${JSON.stringify(seen[0])}, at last gives ${JSON.stringify(seen[1])}`)
    same &&= JSON.stringify(seen) === JSON.stringify([EXPECTED[name][i], whole])
  }
}
process.exit(same ? 0 : 1)
JS
node try.mjs
