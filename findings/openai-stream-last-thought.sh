#!/usr/bin/env bash
# version: openai 7.59.0 for JavaScript, against openai 3.22.1 for Python
# behaviour: the helper `chat.completions.stream()` joins the pieces of `content` and of the arguments of calls, but of every other text that comes in pieces
#   the last one takes the place of those before. Servers of models that think send `reasoning_content` so: of "Let me ", "count " and "them." the
#   final message has "them.", without an error or a warning, and a thought that is shown, kept or sent back from there has lost its beginning.
#   Python's helper of the same name has the whole thought.
# Both clients read the same stream through a transport of this script, so that no network is asked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund openai@7.59.0 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
venv/bin/pip install --quiet --retries 1 --disable-pip-version-check openai==3.22.1 2> errors || { cat errors >&2; exit 2; }
cat > make.cjs <<'JS'
const chunk = (delta, finish_reason = null) => ({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })
const thought = ['Let me ', 'count ', 'them.'].map((reasoning_content) => chunk({ reasoning_content }))
const body = (chunks) => `${chunks.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('')}data: [DONE]\n\n`
module.exports = body([chunk({ role: 'assistant' }), ...thought, chunk({ content: 'There ' }), chunk({ content: 'are two.' }), chunk({}, 'stop')])
JS
cat > try.cjs <<'JS'
const { default: OpenAI } = require('openai')
const { writeFileSync } = require('node:fs')
const answer = require('./make.cjs')
async function main() {
  writeFileSync('answer.txt', answer)
  const fetch = async () => new Response(answer, { headers: { 'content-type': 'text/event-stream' } })
  const client = new OpenAI({ apiKey: 'none', baseURL: 'http://localhost:1', maxRetries: 0, fetch })
  const stream = client.chat.completions.stream({ model: 'm', messages: [{ role: 'user', content: 'How many?' }] })
  const { content, reasoning_content } = (await stream.finalChatCompletion()).choices[0].message
  console.log('JavaScript:', JSON.stringify({ content, reasoning_content }))
  process.exit(content === 'There are two.' && reasoning_content === 'them.' ? 0 : 1)
}
main()
JS
cat > try.py <<'PY'
import pathlib
import sys

import httpx2 as httpx
from openai import OpenAI

body = pathlib.Path("answer.txt").read_text()
transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body, headers={"content-type": "text/event-stream"}))
client = OpenAI(api_key="none", base_url="http://localhost:1", http_client=httpx.Client(transport=transport))
with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "How many?"}]) as stream:
    message = stream.get_final_completion().choices[0].message.to_dict()
print("Python:    ", {name: message[name] for name in ("content", "reasoning_content")})
sys.exit(0 if (message["content"], message["reasoning_content"]) == ("There are two.", "Let me count them.") else 1)
PY
node try.cjs
venv/bin/python try.py
