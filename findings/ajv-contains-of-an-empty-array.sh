#!/usr/bin/env bash
# version: ajv 8.20.0
# behaviour: `contains` gives the empty array the verdict of what was looked at before it. {"items": {"contains": {"const": 1}}} accepts
#   [[1], []], though nothing in [] equals 1, and refuses [[], [1]]; {"additionalProperties": {"contains": {"const": 1}}} accepts
#   {"a": [1], "c": []} and refuses {"c": [], "a": [1]}; {"prefixItems": [{"type": "string"}], "contains": {"const": 1}} accepts [].
#   {"contains": {"const": 1}} alone refuses [] as it should. The compiled code declares the verdict with `var` and sets it in a loop over
#   the items only, so that without items an older value stands.
# Schemas that are valid draft 2020-12 are asked for such values.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund ajv@8.20.0 2> errors || { cat errors >&2; exit 2; }
cat > try.cjs <<'JS'
const { join } = require('node:path')
const Ajv2020 = require(join('ajv', 'dist', '2020')).default
const one = { contains: { const: 1 } }
const cases = [
  [one, [], false],
  [{ items: one }, [[1], []], true],
  [{ items: one }, [[], [1]], false],
  [{ additionalProperties: one }, { a: [1], c: [] }, true],
  [{ additionalProperties: one }, { c: [], a: [1] }, false],
  [{ prefixItems: [{ type: 'string' }], ...one }, [], true],
  [{ prefixItems: [{}], ...one }, [], false],
]
let same = true
for (const [schema, value, expected] of cases) {
  const seen = new Ajv2020({ strict: false }).compile(schema)(value)
  console.log(JSON.stringify(schema), 'for', JSON.stringify(value), 'is', seen)
  same &&= seen === expected
}
process.exit(same ? 0 : 1)
JS
node try.cjs
