#!/usr/bin/env bash
# version: @langchain/openai 1.6.0 (with @langchain/core 1.4.0), beside openai 6.49.0
# behaviour: a stream of `ChatOpenAI` is read without an error or a warning where it is not understood. With `n: 2`, which the class takes and sends, the words
#   of both answers come as one: "yes no" and "1 2" are "yes1 no 2", with the finish reason "stopstop" and the model "mm". Where the first delta has
#   no `role`, which OpenAI's definition lets be absent, the calls of tools are lost: the message has no `tool_calls`, though the finish
#   reason is "tool_calls". Where each chunk says how many tokens there were so far, as servers do on request, `response_metadata.usage` is
#   their sum, with the last one twice: 40 tokens of a prompt of 10, for which `usage_metadata` of the same message says 10.
# The client talks to a `fetch` of its own caller, so that no network is asked; openai's client reads the same choices one by one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @langchain/openai@1.6.0 @langchain/core@1.4.0 openai@6.49.0 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { ChatOpenAI } from '@langchain/openai'
import OpenAI from 'openai'

const chunk = (delta, finish_reason = null, index = 0, more = {}) => ({
  id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index, delta, finish_reason }], ...more,
})
const call = (text, more = {}) => ({ tool_calls: [{ index: 0, type: 'function', ...more, function: { name: more.id && 'look', arguments: text } }] })
const usage = (completion_tokens) => ({ usage: { prompt_tokens: 10, completion_tokens, total_tokens: 10 + completion_tokens } })
const STREAMS = {
  two: [
    chunk({ role: 'assistant', content: 'yes' }), chunk({ role: 'assistant', content: '1' }, null, 1),
    chunk({ content: ' no' }), chunk({ content: ' 2' }, null, 1), chunk({}, 'stop'), chunk({}, 'stop', 1),
  ],
  call: [chunk(call('{"at"', { id: 'call_1' })), chunk(call(': 1}')), chunk({}, 'tool_calls')],
  named: [chunk({ role: 'assistant', ...call('{"at"', { id: 'call_1' }) }), chunk(call(': 1}')), chunk({}, 'tool_calls')],
  counted: [
    chunk({ role: 'assistant', content: 'yes' }, null, 0, usage(1)), chunk({ content: ' no' }, null, 0, usage(2)), chunk({}, 'stop', 0, usage(3)),
  ],
}
let sent
const answering = (name) => async (_, { body }) => {
  sent = JSON.parse(body)
  const events = [...STREAMS[name].map((each) => JSON.stringify(each)), '[DONE]'].map((data) => `data: ${data}\n\n`)
  return new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } })
}
async function langchain(name, more = {}) {
  const model = new ChatOpenAI({ apiKey: 'none', model: 'm', maxRetries: 0, ...more, configuration: { fetch: answering(name) } })
  let whole
  for await (const each of await model.stream('?')) whole = whole === undefined ? each : whole.concat(each)
  return whole
}
async function openai(name) {
  const texts = []
  const client = new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: answering(name) })
  const stream = await client.chat.completions.create({ model: 'm', n: 2, stream: true, messages: [{ role: 'user', content: '?' }] })
  for await (const { choices } of stream) for (const { index, delta } of choices) texts[index] = (texts[index] ?? '') + (delta.content ?? '')
  return texts
}
const two = await langchain('two', { n: 2 })
const { finish_reason, model_name } = two.response_metadata
const seen = [
  ['n as sent', sent.n],
  ['two answers', [two.content, finish_reason, model_name]],
  ['the same in openai', await openai('two')],
  ['a call without a role', ((whole) => [whole.tool_calls ?? null, whole.response_metadata.finish_reason])(await langchain('call'))],
  ['with a role', (await langchain('named')).tool_calls.map(({ name, args }) => [name, args])],
  ['tokens of a prompt of 10', ((whole) => [whole.response_metadata.usage.prompt_tokens, whole.usage_metadata.input_tokens])(await langchain('counted'))],
]
for (const [name, value] of seen) console.log(`${name}: ${JSON.stringify(value)}`)
const EXPECTED = [2, ['yes1 no 2', 'stopstop', 'mm'], ['yes no', '1 2'], [null, 'tool_calls'], [['look', { at: 1 }]], [40, 10]]
process.exit(JSON.stringify(seen.map(([, value]) => value)) === JSON.stringify(EXPECTED) ? 0 : 1)
JS
node try.mjs
