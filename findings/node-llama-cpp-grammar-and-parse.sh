#!/usr/bin/env bash
# version: node-llama-cpp 3.22.1; its grammars are read by @mlc-ai/web-xgrammar 0.1.27 beside it
# behaviour: the grammar that `createGrammarForJsonSchema()` makes of a schema and the `parse()` of the same object take different answers, so that what a model
#   wrote under the grammar can be refused when it is there. An `integer` may have an exponent below zero in the grammar: 5e-1, which
#   `parse()` calls a number and no integer. `minLength` and `maxLength` are code points in the grammar, as JSON Schema has it, and
#   UTF-16 units in `parse()`: two signs of music are 4 there, and refused where 3 is the most. With `additionalProperties` the grammar lets a
#   listed name come again with a value of the other schema, and `parse()` sees the last one, which the listed name's schema forbids. And `parse()`
#   takes what the grammar forbids: members in any order, and white space anywhere.
# Texts are asked of both. A grammar ends with four line ends, which a model writes to end its answer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-llama-cpp@3.22.1 @mlc-ai/web-xgrammar@0.1.27 2> errors || { cat errors >&2; exit 2; }
cp node_modules/@mlc-ai/web-xgrammar/lib/index.js xgrammar.cjs
cat > try.mjs <<'JS'
import { createRequire } from 'node:module'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'
const { Grammar, Testings } = createRequire(import.meta.url)('./xgrammar.cjs')
const list = { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: { type: 'integer' } }
const pair = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } }
// Of each schema: a text, whether the grammar takes it, and whether parse() does.
const CASES = [
  [{ type: 'integer' }, '5', true, true],
  [{ type: 'integer' }, '5e-1', true, false],
  [{ type: 'string', maxLength: 3 }, '"abc"', true, true],
  [{ type: 'string', maxLength: 3 }, '"\u{1d11e}\u{1d11e}"', true, false],
  [list, '{"name":"x","n":1}', true, true],
  [list, '{"name":"x","name":1}', true, false],
  [pair, '{"a":1,"b":2}', true, true],
  [pair, '{"b":2,"a":1}', false, true],
  [pair, '{"a":1,  "b":2}', false, true],
]
const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.disabled })
let same = true
for (const [schema, text, ...expected] of CASES) {
  const grammar = await llama.createGrammarForJsonSchema(schema)
  const parses = () => {
    try {
      grammar.parse(text)
      return true
    } catch {
      return false
    }
  }
  const seen = [await Testings.isGrammarAcceptString(await Grammar.fromEBNF(grammar.grammar, 'root'), `${text}\n\n\n\n`), parses()]
  console.log(`${text}: ${seen[0] ? 'taken' : 'refused'} by the grammar, ${seen[1] ? 'taken' : 'refused'} by parse()`)
  same &&= seen.join() === expected.join()
}
process.exit(same ? 0 : 1)
JS
node --no-warnings try.mjs
