#!/usr/bin/env bash
# version: @mlc-ai/web-xgrammar 0.1.27
# behaviour: its package.json says "type": "module", but lib/index.js is a UMD script that calls require(). In Node `import` of it throws
#   "require is not defined in ES module scope", and require() of it is refused or throws the same, since the type makes it a module. The same
#   file works when it is run as a CommonJS script.
# It is imported, required, and run as a script; the last lists its exports.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @mlc-ai/web-xgrammar@0.1.27 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
const why = (error) => `${error.name}: ${error.message.split('\n')[0]}`
const imported = await import('@mlc-ai/web-xgrammar').then((found) => `exports ${Object.keys(found)}`, why)
console.log('import:', imported)
let required
try {
  required = `exports ${Object.keys(require('@mlc-ai/web-xgrammar'))}`
} catch (error) {
  required = why(error)
}
console.log('require:', required)
copyFileSync('node_modules/@mlc-ai/web-xgrammar/lib/index.js', 'copy.cjs')
const script = Object.keys(require('./copy.cjs'))
console.log('as a script:', script.join())
process.exit(/require is not defined/.test(imported) && !required.includes('GrammarMatcher') && script.includes('GrammarMatcher') ? 0 : 1)
JS
node try.mjs
