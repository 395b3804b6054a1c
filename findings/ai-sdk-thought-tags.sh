#!/usr/bin/env bash
# version: ai 7.0.173 (the AI SDK), on Node 20.20.2
# behaviour: `extractReasoningMiddleware` parts the thought of a model from its answer, and one text of a model is parted in two ways: `generateText()` looks for
#   whole pairs of tags, `streamText()` for the first tag alone. A thought that the limit of tokens cuts off is `reasoningText` in the stream, with an empty
#   text; without a stream it is `text`, with its tag, so that a program shows or stores the thought as the answer. An answer that
#   names the tag, as in "put it in <think> tags", is whole without a stream and loses all that follows in the stream. With `startWithReasoning`, which
#   is for templates that write the tag themselves, an answer without any thought is text there and a thought with an empty text in the stream; and a
#   model that writes the tag all the same has it within its thought in both. No error, no warning.
# A model of the package's own test helpers gives each text once whole and once in pieces of three characters.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund ai@7.0.173 zod@4.6.7 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { extractReasoningMiddleware, generateText, streamText, wrapLanguageModel } from 'ai'
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test'

const ending = { finishReason: { unified: 'stop', raw: 'stop' }, usage: { inputTokens: { total: 1 }, outputTokens: { total: 1 } } }
function modelOf(text, startWithReasoning) {
  const deltas = text.match(/.{1,3}/gs).map((delta) => ({ type: 'text-delta', id: '0', delta }))
  const parts = [{ type: 'stream-start', warnings: [] }, { type: 'text-start', id: '0' }, ...deltas, { type: 'text-end', id: '0' }]
  const model = new MockLanguageModelV4({
    doGenerate: async () => ({ content: [{ type: 'text', text }], warnings: [], ...ending }),
    doStream: async () => ({ stream: convertArrayToReadableStream([...parts, { type: 'finish', ...ending }]) }),
  })
  return wrapLanguageModel({ model, middleware: extractReasoningMiddleware({ tagName: 'think', startWithReasoning }) })
}
async function thoughtAndText(result) {
  return [(await result.reasoningText) ?? null, await result.text]
}
// Of each: the text, whether it starts with a thought, what comes whole, and what comes of the stream.
const CASES = [
  ['<think>Hm.</think>Yes.', false, ['Hm.', 'Yes.'], ['Hm.', 'Yes.']],
  ['<think>Hm, is it', false, [null, '<think>Hm, is it'], ['Hm, is it', '']],
  ['Put it in <think> tags.', false, [null, 'Put it in <think> tags.'], [' tags.', 'Put it in ']],
  ['Hm.</think>Yes.', true, ['Hm.', 'Yes.'], ['Hm.', 'Yes.']],
  ['Yes.', true, [null, 'Yes.'], ['Yes.', '']],
  ['<think>Hm.</think>Yes.', true, ['<think>Hm.', 'Yes.'], ['<think>Hm.', 'Yes.']],
]
let same = true
for (const [text, starts, ...expected] of CASES) {
  const call = () => ({ model: modelOf(text, starts), prompt: '?' })
  const seen = [await thoughtAndText(await generateText(call())), await thoughtAndText(streamText(call()))]
  console.log(`${text}${starts ? ' (startWithReasoning)' : ''}: whole ${JSON.stringify(seen[0])}, stream ${JSON.stringify(seen[1])}`)
  same &&= JSON.stringify(seen) === JSON.stringify(expected)
}
process.exit(same ? 0 : 1)
JS
node try.mjs
