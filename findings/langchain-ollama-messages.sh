#!/usr/bin/env bash
# version: @langchain/ollama 1.3.0 (with @langchain/core 1.4.0)
# behaviour: `ChatOllama` sends another conversation than it is given where the content of a message is a list of parts. Each part becomes a message of its own:
#   a question of two texts is two turns of the user, one of a picture and a text is a turn that has the picture and no text and one that has the text,
#   and an answer of two texts is two turns of the assistant, with no user between them. An answer whose content is a list of texts, as other models
#   of LangChain give it, loses its calls of tools, so that the results which follow answer no call. These results have neither a name nor an id
#   (Ollama has `tool_name`), so that of two only their order says which is whose. An answer whose content is one text keeps its calls. No error, no warning.
# A `fetch` of this script keeps the messages that are sent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @langchain/ollama@1.3.0 @langchain/core@1.4.0 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages'
import { ChatOllama } from '@langchain/ollama'

let sent
async function keeping(_, { body }) {
  sent = JSON.parse(body).messages
  const answer = { model: 'm', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content: 'Yes.' }, done: true, done_reason: 'stop' }
  return new Response(`${JSON.stringify(answer)}\n`)
}
const model = new ChatOllama({ model: 'm', fetch: keeping, maxRetries: 0 })
const texts = (...all) => all.map((text) => ({ type: 'text', text }))
const calls = ['wind', 'rain'].map((name, i) => ({ id: `call_${i}`, name, args: { at: 'Nice' } }))
const results = calls.map(({ id, name }, i) => new ToolMessage({ tool_call_id: id, name, content: `${i}` }))
const question = new HumanMessage('Well?')
const picture = { type: 'image_url', image_url: 'data:image/png;base64,AAAA' }
// Of each: the messages that are given, and of those sent the role, the text, the pictures, the names of the calls, and whatever else they have.
const CASES = {
  'two texts': [[new HumanMessage({ content: texts('This:', 'that?') })], ['user This:', 'user that?']],
  'a picture and a text': [[new HumanMessage({ content: [picture, ...texts('What is it?')] })], ['user  +AAAA', 'user What is it?']],
  'an answer of two texts': [
    [question, new AIMessage({ content: texts('One.', 'Two.') }), question],
    ['user Well?', 'assistant One.', 'assistant Two.', 'user Well?'],
  ],
  'calls beside a text': [
    [question, new AIMessage({ content: 'I look.', tool_calls: calls }), ...results],
    ['user Well?', 'assistant I look. wind rain', 'tool 0', 'tool 1'],
  ],
  'calls beside a list': [
    [question, new AIMessage({ content: texts('I look.'), tool_calls: calls }), ...results],
    ['user Well?', 'assistant I look.', 'tool 0', 'tool 1'],
  ],
}
function inWords({ role, content, images = [], tool_calls = [], ...rest }) {
  const words = [role, content, ...images.map((each) => `+${each}`), ...tool_calls.map((each) => each.function.name)]
  return [...words, ...Object.keys(rest)].join(' ')
}
let same = true
for (const [name, [given, expected]] of Object.entries(CASES)) {
  await model.invoke(given)
  const seen = sent.map(inWords)
  console.log(`${name}: ${JSON.stringify(seen)}`)
  same &&= JSON.stringify(seen) === JSON.stringify(expected)
}
process.exit(same ? 0 : 1)
JS
node try.mjs
