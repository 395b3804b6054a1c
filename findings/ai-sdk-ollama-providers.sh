#!/usr/bin/env bash
# version: ollama-ai-provider-v2 4.0.1 and ai-sdk-ollama 4.3.0, with ai 7.0.173 (the AI SDK), on Node 20.20.2
# behaviour: both providers speak Ollama's own API for the AI SDK, and neither sends all that it is given. ollama-ai-provider-v2 puts temperature, top_p and
#   max_output_tokens beside `options`, where Ollama, which wants `options.num_predict` and the like, does not look: a temperature of 0 and a limit of 7 tokens do
#   nothing, though its readme says that the AI SDK's own settings work; a warning names `topK`, `seed`, `stopSequences` and the penalties alone. Of a stream it
#   leaves out the text of the last line, the one that says `done`, and a line {"error": ...} is no error: the answer ends with what there was, for "other".
#   ai-sdk-ollama makes the thought of an earlier answer part of the answer: {"reasoning": "Hm."} and {"text": "Yes."} go back as "Yes.\nHm." in
#   `content`, where Ollama has `thinking`. With `toolChoice: 'none'` both send the tools all the same; Ollama has no such field. No warning of that.
# A server of this script answers as Ollama does, in lines of JSON, and keeps what it was asked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --legacy-peer-deps ollama-ai-provider-v2@4.0.1 ai-sdk-ollama@4.3.0 ai@7.0.173 ollama@0.6.4 zod@4.6.7 2> errors \
  || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { createServer } from 'node:http'
import { generateText, jsonSchema, streamText, tool } from 'ai'
import { createOllama as createOther } from 'ai-sdk-ollama'
import { createOllama as createV2 } from 'ollama-ai-provider-v2'

console.warn = () => {}
const line = (content, more = {}) => ({ model: 'm', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content }, done: false, ...more })
const done = { done: true, done_reason: 'stop', prompt_eval_count: 10, eval_count: 2 }
const STREAMS = { whole: [line('one'), line(' two', done)], broken: [line('one'), { error: 'out of memory' }] }
let asked
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  asked = JSON.parse(body)
  if (asked.stream === false) return response.end(JSON.stringify(line('one two', done)))
  response.end(STREAMS[asked.model].map((each) => `${JSON.stringify(each)}\n`).join(''))
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const address = `http://127.0.0.1:${server.address().port}`
const PROVIDERS = { 'ollama-ai-provider-v2': createV2({ baseURL: `${address}/api` }), 'ai-sdk-ollama': createOther({ baseURL: address }) }
const tools = { look: tool({ description: 'Looks.', inputSchema: jsonSchema({ type: 'object', properties: {} }) }) }
const messages = [
  { role: 'user', content: 'Is it?' },
  { role: 'assistant', content: [{ type: 'reasoning', text: 'Hm.' }, { type: 'text', text: 'Yes.' }] },
  { role: 'user', content: 'Sure?' },
]
async function streamed(model) {
  const errors = []
  const result = streamText({ model, prompt: '?', maxRetries: 0, onError: ({ error }) => errors.push(error.message) })
  try {
    return [await result.text, await result.finishReason, ...errors]
  } catch (error) {
    return [error.message, ...errors]
  }
}
async function trial(provider) {
  const settings = { maxRetries: 0, temperature: 0, topP: 0.5, maxOutputTokens: 7, seed: 1, toolChoice: 'none' }
  const { warnings } = await generateText({ model: provider('whole'), messages, tools, ...settings })
  const { options = null, temperature, top_p, max_output_tokens } = asked
  return {
    options,
    beside: [temperature, top_p, max_output_tokens],
    warned: warnings.map(({ feature, details }) => details ?? feature).filter((word) => /^[a-z]+$/i.test(word ?? '')),
    tools: asked.tools?.length ?? 0,
    answer: [asked.messages[1].content, asked.messages[1].thinking ?? null],
    streamed: await streamed(provider('whole')),
    broken: await streamed(provider('broken')),
  }
}
const EXPECTED = {
  'ollama-ai-provider-v2': {
    options: null, beside: [0, 0.5, 7], warned: ['seed'], tools: 1, answer: ['Yes.', 'Hm.'], streamed: ['one', 'stop'], broken: ['one', 'other'],
  },
  'ai-sdk-ollama': {
    options: { temperature: 0, num_predict: 7, top_p: 0.5, seed: 1 }, beside: [null, null, null], warned: [], tools: 1,
    answer: ['Yes.\nHm.', null], streamed: ['one two', 'stop'], broken: ['out of memory'],
  },
}
let same = true
for (const [name, provider] of Object.entries(PROVIDERS)) {
  const seen = JSON.parse(JSON.stringify(await trial(provider)))
  for (const [what, value] of Object.entries(seen)) {
    console.log(`${name}, ${what}: ${JSON.stringify(value)}`)
    same &&= JSON.stringify(value) === JSON.stringify(EXPECTED[name][what])
  }
}
process.exit(same ? 0 : 1)
JS
node --no-warnings try.mjs
