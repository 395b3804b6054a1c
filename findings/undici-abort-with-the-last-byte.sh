#!/usr/bin/env bash
# version: undici 6.24.1 (the `fetch` of Node 20.20.2)
# behaviour: A read of a response's body is never settled, neither with `done` nor with an error, when the signal of the `fetch` fires after
#   the last byte has been read and before the end of the body has. In undici 7.30.2 the read is rejected. So whoever aborts a download
#   from its own progress callback may wait for ever: each read must be raced with the signal.
# The client and the server are both in one process, so that no network is asked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund old@npm:undici@6.24.1 new@npm:undici@7.30.2 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { createServer } from 'node:http'
import { fetch as newer } from 'new'
import { fetch as older } from 'old'

const SIZE = 53_013
const server = createServer((_, response) => {
  response.writeHead(200, { 'content-length': SIZE })
  response.end(Buffer.alloc(SIZE))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${server.address().port}/`

/** What comes of the reads when the signal fires as soon as so many bytes have been read. */
async function endOf(fetch, bytes) {
  const controller = new AbortController()
  const reader = (await fetch(url, { signal: controller.signal })).body.getReader()
  let read = 0
  const all = async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return 'done'
      read += value.byteLength
      if (read >= bytes) controller.abort()
    }
  }
  const late = new Promise((resolve) => setTimeout(resolve, 3000, 'never settled'))
  return Promise.race([all().catch((error) => error.name), late])
}

const seen = { old: await endOf(older, SIZE), new: await endOf(newer, SIZE) }
console.log(`aborted with the last byte: undici 6.24.1 ${seen.old}, undici 7.30.2 ${seen.new}`)
process.exit(seen.old === 'never settled' && seen.new === 'AbortError' ? 0 : 1)
JS
node try.mjs
