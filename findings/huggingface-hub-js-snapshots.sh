#!/usr/bin/env bash
# version: @huggingface/hub 2.17.5 for JavaScript, against huggingface_hub 1.33.0 for Python
# behaviour: `downloadFileToCacheDir()` of a branch puts each file into the snapshot of the commit that changed this file last, and writes no `refs`. Two
#   files of one revision so lie in two snapshots, of which neither is the revision's, and no folder holds the model. Python, which shares the
#   cache, finds neither without a network, and the package's own `scanCacheDir()` leaves the repository out, with a warning about the folder
#   `refs` that it did not make. `snapshotDownload()` of the same package keeps to the common layout; but what of it lies in folders within the
#   snapshot `scanCacheDir()` does not count, so that a tokenizer in a folder takes no space.
# A repository of two files, changed by two commits and headed by a third, is downloaded in both ways from a `fetch` of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @huggingface/hub@2.17.5 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check huggingface_hub==1.33.0 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { mkdirSync } from 'node:fs'
import { downloadFileToCacheDir, scanCacheDir, snapshotDownload } from '@huggingface/hub'
const HEAD = 'c'.repeat(40)
const FILES = {
  'config.json': { text: '{"model_type":"mistral"}', oid: '1'.repeat(40), lastCommit: 'a'.repeat(40) },
  'tokenizer/tokenizer.json': { text: '{}', oid: '2'.repeat(40), lastCommit: 'b'.repeat(40) },
}
const entry = ([path, { text, oid, lastCommit }]) => ({
  type: 'file', path, oid, size: text.length, lastCommit: { id: lastCommit, title: 'A change', date: '2026-01-01T00:00:00Z' },
})
async function fetch(address, { body } = {}) {
  const { pathname } = new URL(address)
  if (pathname.includes('/paths-info/')) return Response.json(JSON.parse(body).paths.map((path) => entry([path, FILES[path]])))
  if (pathname.includes('/tree/')) return Response.json(Object.entries(FILES).map(entry))
  if (pathname.startsWith('/api/')) return Response.json({ _id: '1', id: 'me/model', modelId: 'me/model', sha: HEAD })
  const { text, oid } = FILES[pathname.replace(/^.*\/resolve\/[^/]+\//, '')]
  return new Response(text, { headers: { etag: `"${oid}"`, 'x-repo-commit': HEAD, 'content-range': `bytes 0-0/${text.length}` } })
}
console.debug = () => {}
async function stored(cacheDir, download) {
  mkdirSync(cacheDir)
  await download({ repo: 'me/model', cacheDir, hubUrl: 'http://localhost:1', fetch })
  const { repos, warnings } = await scanCacheDir(cacheDir)
  const seen = { bytes: repos.map((each) => each.size), warnings: warnings.map((each) => each.message.replace(/^.*models--/, 'models--')) }
  console.log(`scanCacheDir of ${cacheDir}:`, JSON.stringify(seen))
  return seen
}
const one = await stored('one-by-one', async (options) => {
  for (const path of Object.keys(FILES)) {
    const place = await downloadFileToCacheDir({ ...options, path })
    console.log(place)
    if (!place.includes(`/snapshots/${FILES[path].lastCommit}/`)) process.exit(1)
  }
})
const all = await stored('snapshot', snapshotDownload)
const same = one.bytes.length === 0 && one.warnings.join() === "models--me--model/refs'" && all.bytes.join() === '24' && all.warnings.length === 0
process.exit(same ? 0 : 1)
JS
cat > try.py <<'PY'
import sys

from huggingface_hub import scan_cache_dir, try_to_load_from_cache

seen = {}
for cache in ("one-by-one", "snapshot"):
    places = [try_to_load_from_cache("me/model", name, cache_dir=cache) for name in ("config.json", "tokenizer/tokenizer.json")]
    [repository] = scan_cache_dir(cache).repos
    seen[cache] = ([place is not None for place in places], len(repository.revisions), repository.size_on_disk)
    print(f"Python finds of {cache}: {seen[cache][0]}; revisions: {seen[cache][1]}, bytes: {seen[cache][2]}")
sys.exit(0 if seen == {"one-by-one": ([False, False], 2, 26), "snapshot": ([True, True], 1, 26)} else 1)
PY
node try.mjs
venv/bin/python try.py
