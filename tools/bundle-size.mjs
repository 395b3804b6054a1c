/**
 * What the package adds to a page: bundles the root entry as esbuild does for browsers, and prints the size of the bundle,
 * of the chunks that are loaded when they are needed, and of every module in them (`npm run bundle-size`). With `--check`
 * it prints the bundle alone, and fails when that is over the limit.
 */
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** Bytes of the bundle that every page gets; chunks on demand do not count. */
const LIMIT = { minified: 220_000, gzip: 65_000 }
const PAGE = `import { MistralChat } from './src/index.ts'\nglobalThis.chat = MistralChat`
const root = fileURLToPath(new URL('..', import.meta.url))

const { outputFiles, metafile } = await build({
  stdin: { contents: PAGE, resolveDir: root, sourcefile: 'page.js' },
  absWorkingDir: root,
  outdir: 'bundle',
  write: false,
  metafile: true,
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['mistral-webgpu-source', 'browser'],
  // It is the embedded model, which a page gets from `mistral-webgpu/pocket` only.
  external: ['#pocket'],
})

const chunks = outputFiles.map(({ path, contents }) => {
  const name = relative(root, path)
  return { name, minified: contents.length, gzip: gzipSync(contents).length, ...metafile.outputs[name] }
})
const inPage = importedBy(chunks.find(({ entryPoint }) => entryPoint === 'page.js'))
const onDemand = chunks.filter((chunk) => !inPage.includes(chunk))
const page = { minified: sum(inPage, 'minified'), gzip: sum(inPage, 'gzip') }

print('the page', page)
if (process.argv.includes('--check')) {
  for (const [kind, limit] of Object.entries(LIMIT)) {
    if (page[kind] <= limit) continue
    console.error(`The bundle has ${page[kind]} bytes (${kind}), the limit is ${limit}: see \`npm run bundle-size\``)
    process.exitCode = 1
  }
} else {
  printModules(inPage)
  for (const chunk of onDemand.sort((a, b) => b.minified - a.minified)) {
    print(`\non demand: ${chunk.name}`, chunk)
    printModules([chunk])
  }
}

/** A chunk and what it imports statically. */
function importedBy(chunk, found = new Set()) {
  found.add(chunk)
  for (const { path, kind } of chunk.imports) {
    const next = chunks.find(({ name }) => name === path)
    if (kind === 'import-statement' && next !== undefined && !found.has(next)) importedBy(next, found)
  }
  return [...found]
}

function sum(list, field) {
  return list.reduce((total, item) => total + item[field], 0)
}

function print(name, { minified, gzip }) {
  console.log(`${name}: ${kilobytes(minified)} minified, ${kilobytes(gzip)} gzip`)
}

function printModules(of) {
  const modules = of.flatMap(({ inputs }) => Object.entries(inputs))
  for (const [name, { bytesInOutput }] of modules.sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput)) {
    if (bytesInOutput > 0) console.log(`${kilobytes(bytesInOutput).padStart(10)}  ${name}`)
  }
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`
}
