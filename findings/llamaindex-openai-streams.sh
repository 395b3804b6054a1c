#!/usr/bin/env bash
# version: @llamaindex/openai 0.4.23 (with @llamaindex/core 0.6.23), beside openai 6.49.0
# behaviour: `OpenAI.chat({ stream: true })` of LlamaIndex for TypeScript reads the first call of each chunk alone. Where a server sends two whole calls in one
#   chunk, as servers do that find calls only when the answer is there, the second is lost without an error or a warning; the same answer
#   without a stream has both. Where the pieces of two calls come in turn, each with its index, the piece of the first is put at the end of the
#   second, and JSON.parse throws; so does a call whose arguments are an empty text, as some servers send it for a tool that has none. Pieces
#   are told apart by whether they have an id, so that a server that names the id in each piece makes a call of every piece.
# A server of this script sends the same chunks to both; openai's own helper reads them all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @llamaindex/openai@0.4.23 @llamaindex/core@0.6.23 @llamaindex/env@0.1.31 openai@6.49.0 zod@4.6.7 2> errors \
  || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { createServer } from 'node:http'
import { OpenAI as LlamaIndex } from '@llamaindex/openai'
import OpenAI from 'openai'

const call = (index, text, id) => ({ index, ...(id && { id, type: 'function' }), function: { ...(id && { name: 'look' }), arguments: text } })
const STREAMS = {
  apart: [[call(0, '{"at":', 'a')], [call(0, ' 1}')], [call(1, '{"at": 2}', 'b')]],
  together: [[call(0, '{"at": 1}', 'a'), call(1, '{"at": 2}', 'b')]],
  inTurn: [[call(0, '{"at":', 'a')], [call(1, '{"at":', 'b')], [call(0, ' 1}')], [call(1, ' 2}')]],
  withIds: [[call(0, '{"at":', 'a')], [call(0, ' 1}', 'a')]],
  empty: [[call(0, '', 'a')]],
}
const answer = { id: 'c', created: 1, model: 'gpt-4o' }
const chunk = (delta, finish_reason = null) => ({ ...answer, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })
let name
const server = createServer(async (request, response) => {
  let body = ''
  for await (const part of request) body += part
  if (!JSON.parse(body).stream) {
    const tool_calls = STREAMS[name].flat().map(({ index, ...each }) => each)
    const message = { role: 'assistant', content: null, tool_calls }
    response.setHeader('content-type', 'application/json')
    return response.end(JSON.stringify({ ...answer, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'tool_calls' }] }))
  }
  response.setHeader('content-type', 'text/event-stream')
  const chunks = [...STREAMS[name].map((tool_calls) => chunk({ role: 'assistant', tool_calls })), chunk({}, 'tool_calls')]
  response.end([...chunks.map((each) => JSON.stringify(each)), '[DONE]'].map((data) => `data: ${data}\n\n`).join(''))
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const options = { apiKey: 'none', maxRetries: 0, baseURL: `http://127.0.0.1:${server.address().port}/v1` }
const llamaindex = new LlamaIndex({ model: 'gpt-4o', ...options })
const messages = [{ role: 'user', content: '?' }]
const look = { metadata: { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } }, call: () => '' }
const wholeCalls = (calls) => calls.filter(({ input }) => typeof input === 'object').map(({ id, input }) => [id, input])
async function inLlamaIndex(stream) {
  try {
    const result = await llamaindex.chat({ messages, tools: [look], stream })
    if (!stream) return wholeCalls(result.message.options.toolCall.map((each) => ({ ...each, input: JSON.parse(each.input) })))
    const calls = new Map()
    for await (const { options } of result) for (const [id, input] of wholeCalls(options?.toolCall ?? [])) calls.set(id, input)
    return [...calls]
  } catch (error) {
    return error.name
  }
}
async function inOpenai() {
  const stream = new OpenAI(options).chat.completions.stream({ model: 'gpt-4o', messages })
  const { choices } = await stream.finalChatCompletion()
  return choices[0].message.tool_calls.map(({ id, function: { arguments: text } }) => [id, text && JSON.parse(text)])
}
const BOTH = [['a', { at: 1 }], ['b', { at: 2 }]]
const FIRST = BOTH.slice(0, 1)
const EXPECTED = { apart: [BOTH, BOTH], together: [FIRST, BOTH], inTurn: ['SyntaxError', BOTH], withIds: ['SyntaxError', FIRST], empty: ['SyntaxError', [['a', '']]] }
let same = true
for (name of Object.keys(STREAMS)) {
  const seen = [await inLlamaIndex(true), await inOpenai()]
  console.log(`${name}: LlamaIndex ${JSON.stringify(seen[0])}, openai ${JSON.stringify(seen[1])}`)
  same &&= JSON.stringify(seen) === JSON.stringify(EXPECTED[name])
}
name = 'together'
const unstreamed = await inLlamaIndex(false)
console.log(`${name}, without a stream: LlamaIndex ${JSON.stringify(unstreamed)}`)
process.exit(same && JSON.stringify(unstreamed) === JSON.stringify(BOTH) ? 0 : 1)
JS
node --no-warnings try.mjs
