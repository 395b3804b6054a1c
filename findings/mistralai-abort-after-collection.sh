#!/usr/bin/env bash
# version: @mistralai/mistralai 2.7.0, beside openai 6.49.0, on Node 20.20.2 and 24.21.0
# behaviour: the client puts the caller's signal into a `Request` and sends a copy of that. Node's `Request` follows a signal through a weak
#   reference, and the copy follows the first request, which nobody holds any more. After the next garbage collection an abort does nothing:
#   a whole answer that was given up comes all the same, and a stream goes on to its end. Before a collection the same abort works, so that it
#   is a matter of how busy the program is. openai's client hands the caller's signal to `fetch` itself, where it works either way.
# Both ask a server of this script, which takes half a second for a whole answer, and as long for a stream of ten words.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @mistralai/mistralai@2.7.0 openai@6.49.0 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { Mistral } from '@mistralai/mistralai'
import OpenAI from 'openai'

const head = { id: '1', created: 1, model: 'm' }
const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
const server = createServer(async (request, response) => {
  let body = ''
  for await (const part of request) body += part
  if (JSON.parse(body).stream) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < 10; i++) {
      const choice = { index: 0, delta: { role: 'assistant', content: 'word ' }, finish_reason: i === 9 ? 'stop' : null }
      response.write(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [choice] })}\n\n`)
      await pause(50)
    }
    return response.end('data: [DONE]\n\n')
  }
  await pause(500)
  const choice = { index: 0, message: { role: 'assistant', content: 'words' }, finish_reason: 'stop' }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ ...head, object: 'chat.completion', choices: [choice], usage }))
}).listen(0)
await once(server, 'listening')
const url = `http://127.0.0.1:${server.address().port}`
const mistral = new Mistral({ apiKey: 'none', serverURL: url, retryConfig: { strategy: 'none' } })
const openai = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 })
const asked = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] }
const words = async (stream) => {
  let count = 0
  for await (const _ of await stream) count++
  return `${count} parts`
}
const CALLS = {
  'mistralai whole': (signal) => mistral.chat.complete(asked, { fetchOptions: { signal } }),
  'mistralai stream': (signal) => words(mistral.chat.stream(asked, { fetchOptions: { signal } })),
  'openai whole': (signal) => openai.chat.completions.create(asked, { signal }),
  'openai stream': async (signal) => {
    const count = await words(openai.chat.completions.create({ ...asked, stream: true }, { signal }))
    // This client ends an aborted stream without an error.
    if (count !== '10 parts') throw new Error('ended early')
    return count
  },
}
const seen = {}
for (const [name, call] of Object.entries(CALLS)) {
  for (const collected of [false, true]) {
    const control = new AbortController()
    const outcome = call(control.signal).then(() => 'the whole answer', () => 'given up')
    await pause(100)
    for (let i = 0; collected && i < 3; i++) {
      gc()
      await pause(10)
    }
    control.abort()
    seen[`${name}, ${collected ? 'after a collection' : 'before any'}`] = await outcome
  }
}
console.log(seen)
// Before, Node may have collected by itself.
const lost = Object.keys(seen).filter((name) => name.endsWith('after a collection') && seen[name] === 'the whole answer')
process.exit(lost.join('; ') === 'mistralai whole, after a collection; mistralai stream, after a collection' ? 0 : 1)
JS
node --expose-gc try.mjs
