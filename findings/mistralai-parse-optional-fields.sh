#!/usr/bin/env bash
# version: @mistralai/mistralai 2.7.0 (with zod 4.6.7)
# behaviour: `chat.parse()` turns an optional field of the caller's Zod object, as `z.string().optional()`, into one that is required and may be null,
#   so that null is the only way for a model to leave it out; but the answer is read with the caller's own object, which takes no null there.
#   An answer that obeys what was sent gives `parsed: undefined`, without an error or a warning. For an optional `z.enum([...])` the schema that is
#   sent says {"type": ["string", "null"], "enum": [...]}: its list has no null, so that a model under it cannot leave the field out at all, and
#   has to make a value up. A field that the answer lacks, which the schema forbids, is read without a complaint.
# The client talks to a `fetch` of its own caller, so that no network is asked; ajv 8.20.0 says what the schema that was sent takes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @mistralai/mistralai@2.7.0 zod@4.6.7 ajv@8.20.0 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { HTTPClient, Mistral } from '@mistralai/mistralai'
const { Ajv2020 } = await import(['ajv', 'dist', '2020.js'].join('/'))
import { z } from 'zod'

const ajv = new Ajv2020({ allowUnionTypes: true })
async function parse(responseFormat, answer) {
  let schema
  const fetcher = async (request) => {
    schema = (await request.json()).response_format.json_schema.schema
    const message = { role: 'assistant', content: JSON.stringify(answer) }
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
    return Response.json({ id: '1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, finish_reason: 'stop', message }], usage })
  }
  const client = new Mistral({ apiKey: 'none', serverURL: 'http://localhost:1', httpClient: new HTTPClient({ fetcher }), retryConfig: { strategy: 'none' } })
  const { choices } = await client.chat.parse({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], responseFormat })
  return { schema, valid: ajv.compile(schema)(answer), parsed: choices[0].message.parsed }
}
const text = z.object({ city: z.string(), note: z.string().optional() })
const choice = z.object({ city: z.string(), unit: z.enum(['c', 'f']).optional() })
const CASES = [
  [text, { city: 'Bonn', note: 'rain' }, true, true],
  [text, { city: 'Bonn', note: null }, true, false],
  [text, { city: 'Bonn' }, false, true],
  [choice, { city: 'Bonn', unit: 'c' }, true, true],
  [choice, { city: 'Bonn', unit: null }, false, false],
  [choice, { city: 'Bonn' }, false, true],
]
let same = true
for (const [format, answer, valid, read] of CASES) {
  const seen = await parse(format, answer)
  console.log(JSON.stringify(seen.schema.properties), 'required:', seen.schema.required.join())
  console.log(`  ${JSON.stringify(answer)} is ${seen.valid ? 'right' : 'wrong'} by the schema; parsed is ${JSON.stringify(seen.parsed)}`)
  same &&= seen.valid === valid && JSON.stringify(seen.parsed) === (read ? JSON.stringify(answer) : undefined)
}
process.exit(same ? 0 : 1)
JS
node try.mjs
