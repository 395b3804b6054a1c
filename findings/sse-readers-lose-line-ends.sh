#!/usr/bin/env bash
# version: fetch-event-stream 0.1.6, @microsoft/fetch-event-source 2.0.1, @azure/core-sse 2.4.0 and parse-sse 0.1.0, beside eventsource-parser 3.1.1
# behaviour: of an answer that a server streams as plain text, an event for each token, three of these readers lose line ends without an error or a warning.
#   A line end is sent as two empty lines of data, `data: ` twice, and comes as an empty text in fetch-event-stream, fetch-event-source and
#   core-sse: they add a line to the lines before it only where these are not empty as a whole, so that "\n\n" is empty too and "\n- a" is "- a", while
#   "a\n" is whole. fetch-event-stream takes every space away that a line begins with, where the one behind the colon is not
#   part of the text: " world" is "world", and indented code is not. core-sse gives the type of an event without data to the event after it.
#   parse-sse gives all lines, but leaves an event with empty data out, and gives an event that the end of the stream cut off as if it were whole.
# Each reads the same responses, in which every event but the last of the second is closed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund fetch-event-stream@0.1.6 @microsoft/fetch-event-source@2.0.1 @azure/core-sse@2.4.0 parse-sse@0.1.0 \
  eventsource-parser@3.1.1 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import fetchEventSource from '@microsoft/fetch-event-source'
import { createSseStream } from '@azure/core-sse'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { events } from 'fetch-event-stream'
import { parseServerSentEvents } from 'parse-sse'

const response = (text) => new Response(text, { headers: { 'content-type': 'text/event-stream' } })
async function list(stream) {
  const all = []
  for await (const { event, type, data } of stream) all.push([event ?? type, data])
  return all
}
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
globalThis.window = globalThis
const READERS = {
  'eventsource-parser': (text) => list(response(text).body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())),
  'fetch-event-stream': (text) => list(events(response(text))),
  'fetch-event-source': async (text) => {
    const all = []
    const onmessage = ({ event, data }) => all.push([event, data])
    await fetchEventSource.fetchEventSource('http://localhost/', { fetch: async () => response(text), onmessage, openWhenHidden: true })
    return all
  },
  'core-sse': (text) => list(createSseStream(response(text).body)),
  'parse-sse': (text) => list(parseServerSentEvents(response(text))),
}
const TOKENS = ['For', ' two', '\n', '\n- a', '\n', '    b', 'c\n']
const asText = TOKENS.map((token) => `${token.split('\n').map((line) => `data: ${line}\n`).join('')}\n`).join('')
const more = 'event: ping\n\ndata: a\n\ndata:\n\ndata: cut'
const pingOr = ([type, data]) => (type === 'ping' ? ['ping', data ?? null] : data)
const WHOLE = TOKENS.join('')
const EXPECTED = {
  'eventsource-parser': [WHOLE, ['a', '']],
  'fetch-event-stream': ['Fortwo- abc\n', [['ping', null], 'a', '']],
  'fetch-event-source': ['For two- a    bc\n', [['ping', ''], 'a', '']],
  'core-sse': ['For two- a    bc\n', [['ping', 'a'], '']],
  'parse-sse': [WHOLE, ['a', 'cut']],
}
let same = true
for (const [name, read] of Object.entries(READERS)) {
  const seen = [(await read(asText)).map(([, data]) => data).join(''), (await read(more)).map(pingOr)]
  console.log(`${name}: ${JSON.stringify(seen[0])}; then ${JSON.stringify(seen[1])}`)
  same &&= JSON.stringify(seen) === JSON.stringify(EXPECTED[name])
}
process.exit(same ? 0 : 1)
JS
node --no-warnings try.mjs
