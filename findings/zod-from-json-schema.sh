#!/usr/bin/env bash
# version: zod 4.6.7, beside zod-from-json-schema 0.5.6 and ajv 8.20.0
# behaviour: `z.fromJSONSchema()`, experimental by its documentation, which makes a Zod schema of the definition of a tool or an answer, throws an error at `not`, `if` and other keywords that it
#   cannot do, but reads some that it can do for something else, without one. {"const": [1, 2]} takes 1 and 2 and refuses [1, 2], and {"const": {"a": 1}} refuses
#   its own value; members of an `enum` are alike. Where a schema names no `type`, all that it says of numbers, texts, lists and members is left out: {"minimum": 2}
#   takes 0, and the branches of {"type": "number", "oneOf": [{"minimum": 5}, {"maximum": 1}]} all fit, so that no number is taken. A name in
#   `required` that `properties` lacks is not required, as in {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, and what stands beside a `$ref` is
#   not read. A `pattern` is read without the sign for Unicode, so that \p{L} is no letter. zod-from-json-schema, whose schemas are Zod's too,
#   does all of it right but the patterns.
# Values are asked of both and of ajv, which reads what stands beside a `$ref`, as drafts since 2019-09 say.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund zod@4.6.7 zod-from-json-schema@0.5.6 ajv@8.20.0 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { Ajv } from 'ajv'
import { fromJSONSchema } from 'zod'
import { convertJsonSchemaToZod } from 'zod-from-json-schema'

const ajv = new Ajv({ strict: false })
const a = { a: 1 }
const bound = { minimum: 2 }
// Of each: a schema, values, and what zod and zod-from-json-schema say of them where ajv says otherwise.
const CASES = [
  [{ const: [1, 2] }, [[1, 2], 1, 3], [false, true, false], null],
  [{ const: a }, [a, {}], [false, false], null],
  [{ enum: [a, [1]] }, [a, [1], 1], [false, false, true], null],
  [bound, [0, 2, 'x'], [true, true, true], null],
  [{ type: 'number', ...bound }, [0, 2, 'x'], null, null],
  [{ items: { type: 'number' } }, [[1], ['x']], [true, true], null],
  [{ properties: { a: { type: 'number' } } }, [a, { a: 'x' }], [true, true], null],
  [{ type: 'number', oneOf: [{ minimum: 5 }, { maximum: 1 }] }, [7, 3, 0], [false, false, false], null],
  [{ type: 'string', allOf: [{ minLength: 2 }] }, ['x', 'xy'], [true, true], null],
  [{ type: 'object', required: ['b'] }, [a, { b: 1 }], [true, true], null],
  [{ type: 'object', properties: { a: {} }, anyOf: [{ required: ['a'] }, { required: ['b'] }] }, [a, {}], [true, true], null],
  [{ $defs: { n: { type: 'number' } }, $ref: '#/$defs/n', ...bound }, [0, 2], [true, true], null],
  [{ type: 'string', pattern: '^\\p{L}$' }, ['x', '1'], [false, false], [false, false]],
]
let same = true
for (const [schema, values, zods, others] of CASES) {
  const right = values.map((value) => ajv.validate(schema, value))
  const ask = (zod) => values.map((value) => zod.safeParse(value).success)
  const seen = [ask(fromJSONSchema(schema)), ask(convertJsonSchemaToZod(schema))]
  console.log(`${JSON.stringify(schema)} of ${JSON.stringify(values)}: ajv ${right}, zod ${seen[0]}, zod-from-json-schema ${seen[1]}`)
  same &&= JSON.stringify(seen) === JSON.stringify([zods ?? right, others ?? right])
}
const refused = [{ not: { type: 'string' } }, { if: {}, then: {} }].map((schema) => {
  try {
    return fromJSONSchema(schema) && 'taken'
  } catch (error) {
    return error.message
  }
})
console.log(`not and if in zod: ${refused.join('; ')}`)
process.exit(same && !refused.includes('taken') ? 0 : 1)
JS
node try.mjs
