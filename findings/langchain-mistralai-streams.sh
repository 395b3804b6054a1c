#!/usr/bin/env bash
# version: @langchain/mistralai 1.2.0 (with @langchain/core 1.4.0), which asks through @mistralai/mistralai, beside openai 7.59.0
# behaviour: of a stream that openai's client reads whole, `ChatMistralAI` loses parts without an error or a warning. A call of a tool whose arguments come in
#   pieces becomes a call with no arguments: of {"city": and "Nice"} the message has a call with `args: {}` and, apart from it, an invalid call of
#   the rest, where the id stands in the first piece alone, as Mistral's own types allow: a program runs the tool with {}. The finish reason is lost where
#   its chunk has neither text nor usage, so that an answer cut off at its limit looks like any other, and the usage where it comes in a chunk of
#   its own behind the choices. The model's name is joined to itself, "mm".
# A server of this script sends the same chunks to both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @langchain/mistralai@1.2.0 @langchain/core@1.4.0 openai@7.59.0 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { createServer } from 'node:http'
import { ChatMistralAI } from '@langchain/mistralai'
import OpenAI from 'openai'
const base = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
const chunk = (delta, finish_reason = null) => ({ ...base, choices: [{ index: 0, delta, finish_reason }] })
const piece = (args, id) => chunk({ tool_calls: [{ index: 0, ...id, type: 'function', function: { name: 'wind', arguments: args } }] })
const usage = { ...base, choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }
const STREAMS = {
  call: [chunk({ role: 'assistant', content: '' }), piece('{"city":', { id: 'call00001' }), piece('"Nice"}'), chunk({}, 'tool_calls')],
  cut: [chunk({ role: 'assistant', content: '' }), chunk({ content: 'one ' }), chunk({ content: 'two' }), chunk({}, 'length'), usage],
}
const server = createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => {
    const { messages } = JSON.parse(Buffer.concat(parts))
    response.setHeader('content-type', 'text/event-stream')
    response.end(`${STREAMS[messages[0].content].map((each) => `data: ${JSON.stringify(each)}\n\n`).join('')}data: [DONE]\n\n`)
  })
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const serverURL = `http://127.0.0.1:${server.address().port}`
const langchain = new ChatMistralAI({ apiKey: 'none', model: 'm', serverURL, maxRetries: 0 })
const openai = new OpenAI({ apiKey: 'none', baseURL: serverURL, maxRetries: 0 })
async function joined(content) {
  let message
  for await (const part of await langchain.stream(content)) message = message === undefined ? part : message.concat(part)
  const { tool_calls: calls, invalid_tool_calls: invalid, response_metadata: { model, finishReason }, usage_metadata } = message
  return { text: message.content, calls: calls.map(({ args }) => args), invalid: invalid.map(({ args }) => args), model, finish: finishReason, tokens: usage_metadata?.total_tokens }
}
async function plain(content) {
  const seen = { text: '', arguments: '' }
  for await (const { choices: [choice], usage } of await openai.chat.completions.create({ model: 'm', stream: true, messages: [{ role: 'user', content }] })) {
    seen.text += choice?.delta.content ?? ''
    seen.arguments += choice?.delta.tool_calls?.[0].function.arguments ?? ''
    seen.finish = choice?.finish_reason ?? seen.finish
    seen.tokens = usage?.total_tokens ?? seen.tokens
  }
  return seen
}
const seen = []
for (const content of ['call', 'cut']) {
  seen.push(await joined(content), await plain(content))
  console.log('ChatMistralAI:', JSON.stringify(seen.at(-2)))
  console.log('openai:       ', JSON.stringify(seen.at(-1)))
}
const expected = [
  { text: '', calls: [{}], invalid: ['"Nice"}'], model: 'mm' },
  { text: '', arguments: '{"city":"Nice"}', finish: 'tool_calls' },
  { text: 'one two', calls: [], invalid: [], model: 'mm' },
  { text: 'one two', arguments: '', finish: 'length', tokens: 5 },
]
server.close()
process.exit(JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1)
JS
node --no-warnings try.mjs
