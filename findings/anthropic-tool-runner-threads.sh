#!/usr/bin/env bash
# version: @anthropic-ai/sdk 1.14.0
# behaviour: `client.beta.messages.toolRunner()` asks every server, whatever its `baseURL`, to keep the conversation: the first request holds
#   `thread: {"type": "create"}`, a field that `messages.create()` never sends. A server that refuses it with a plain
#   `invalid_request_error` ends the run, though the whole conversation is at hand. Only an error that holds
#   `details: {"error_code": "thread_unsupported_request"}`, which the package's types do not list, makes the client send the
#   conversation whole.
# The client talks to a `fetch` of its own caller, so that no network is asked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @anthropic-ai/sdk@1.14.0 2> errors || { cat errors >&2; exit 2; }
cat > try.cjs <<'JS'
const { Anthropic } = require('@anthropic-ai/sdk')
const json = (status, body) => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
const message = {
  id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'Hello', citations: null }],
  stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 },
}
async function run(details) {
  const sent = []
  const fetch = async (_, { body }) => {
    const { thread = null } = JSON.parse(body)
    sent.push(thread)
    if (thread === null) return json(200, message)
    return json(400, { type: 'error', error: { type: 'invalid_request_error', message: 'thread is unknown', ...details } })
  }
  const client = new Anthropic({ apiKey: 'none', baseURL: 'http://localhost:1', fetch, maxRetries: 0 })
  const params = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], tools: [] }
  try {
    const { content } = await client.beta.messages.toolRunner(params)
    return { sent, end: content[0].text }
  } catch (error) {
    return { sent, end: error.constructor.name }
  }
}
async function main() {
  const plain = await run({})
  const coded = await run({ details: { error_code: 'thread_unsupported_request' } })
  console.log('refused plainly:  ', JSON.stringify(plain))
  console.log('refused by a code:', JSON.stringify(coded))
  const create = [{ type: 'create' }]
  const expected = [{ sent: create, end: 'BadRequestError' }, { sent: [...create, null], end: 'Hello' }]
  process.exit(JSON.stringify([plain, coded]) === JSON.stringify(expected) ? 0 : 1)
}
main()
JS
node try.cjs
