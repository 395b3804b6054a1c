#!/usr/bin/env bash
# version: ajv 8.20.0
# behaviour: with `prefixItems` of a schema that says anything, `contains` beside it no longer refuses the empty array:
#   {"prefixItems": [{"type": "string"}], "contains": {"const": 1}} accepts [], though nothing in [] equals 1, and so with `minContains: 1`
#   written out. Without `prefixItems`, with `prefixItems: [{}]`, or with both in branches of `allOf`, [] is refused as it should be.
# Several schemas that are valid draft 2020-12 are asked for [] and for [2].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund ajv@8.20.0 2> errors || { cat errors >&2; exit 2; }
cat > try.cjs <<'JS'
const Ajv2020 = require('ajv/dist/2020.js').default
const one = { const: 1 }
const cases = [
  [{ contains: one }, false],
  [{ prefixItems: [{}], contains: one }, false],
  [{ prefixItems: [{ type: 'string' }], contains: one }, true],
  [{ prefixItems: [{ type: 'string' }], contains: one, minContains: 1 }, true],
  [{ allOf: [{ prefixItems: [{ type: 'string' }] }, { contains: one }] }, false],
]
let same = true
for (const [schema, expected] of cases) {
  const validate = new Ajv2020({ strict: false }).compile(schema)
  console.log(JSON.stringify(schema), '[]:', validate([]), '[2]:', validate([2]))
  same &&= validate([]) === expected && validate([2]) === false
}
process.exit(same ? 0 : 1)
JS
node try.cjs
