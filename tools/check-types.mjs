/**
 * Compiles test/types/ against the built declarations as a user's project would: with each TypeScript that is supported,
 * each way to resolve modules, with and without the types of the DOM and of Node, and `skipLibCheck` off. Before, it counts
 * the lines that the root entry declares.
 *
 * `npm run build && node tools/check-types.mjs`
 */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Lines of the root entry's declarations: of its own file, and of that with all files it imports. */
const MAX_DECLARED = { own: 500, all: 1600 }
/** Of one compiler's complaints; the rest are mostly the same. */
const MAX_LINES = 8
const COMPILERS = ['typescript', 'typescript-7']
const RESOLUTIONS = [
  { module: 'esnext', moduleResolution: 'bundler' },
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
]
/** Each with the files that a project with these types can compile. */
const LIBRARIES = [
  { name: 'ES2022 alone', lib: ['ES2022'], types: [], files: ['api.ts'] },
  { name: 'DOM', lib: ['ES2022', 'DOM'], types: [], files: ['api.ts', 'platform.ts', 'page.ts'] },
  {
    name: 'DOM and Disposable',
    lib: ['ES2022', 'DOM', 'DOM.AsyncIterable', 'ESNext.Disposable'],
    types: [],
    files: ['api.ts', 'platform.ts', 'page.ts', 'using.ts'],
  },
  { name: 'Node', lib: ['ES2022'], types: ['node'], files: ['api.ts', 'platform.ts'] },
]

const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-types-'))
try {
  process.exitCode = (await check()) ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function check() {
  install()
  let right = isSmall()
  const all = COMPILERS.flatMap((compiler) =>
    RESOLUTIONS.flatMap((resolution) => LIBRARIES.map((library) => ({ compiler, resolution, library }))),
  )
  const waiting = [...all.entries()]
  // One for each core, of which a compiler uses but one most of the time, as far as memory goes.
  const compileNext = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, { compiler, resolution, library }] = next
      const { version } = JSON.parse(readFileSync(join(root, 'node_modules', compiler, 'package.json'), 'utf8'))
      const errors = await compile(`tsconfig.${i}.json`, compiler, resolution, library)
      const name = `TypeScript ${version}, ${resolution.moduleResolution}, ${library.name}`
      console.log(errors === '' ? `right  ${name}` : `WRONG  ${name}\n${errors}`)
      right &&= errors === ''
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, compileNext))
  return right
}

/** The package as npm installs it, and nothing of what it needs for development. */
function install() {
  const installed = join(folder, 'node_modules', 'mistral-webgpu')
  mkdirSync(installed, { recursive: true })
  if (!existsSync(join(root, 'dist/index.d.ts'))) throw new Error('there is no dist/: run npm run build')
  cpSync(join(root, 'dist'), join(installed, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.js') })
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  for (const name of ['@types/node', 'undici-types']) {
    mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction')
  }
  cpSync(join(root, 'test/types'), join(folder, 'src'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
}

/** Whether the declarations stay readable. */
function isSmall() {
  const files = [...declarationsOf('index.d.ts')].map((name) => readFileSync(join(root, 'dist', name), 'utf8'))
  const [own, ...others] = files.map((text) => text.trimEnd().split('\n').length)
  const all = others.reduce((sum, lines) => sum + lines, own)
  const right = own <= MAX_DECLARED.own && all <= MAX_DECLARED.all
  console.log(`${right ? 'right' : 'WRONG'}  index.d.ts has ${own} lines, with what it imports ${all}`)
  return right
}

/** A file of declarations and those it imports, by their names. */
function declarationsOf(name, found = new Set()) {
  found.add(name)
  const text = readFileSync(join(root, 'dist', name), 'utf8')
  for (const [, imported] of text.matchAll(/from '\.\/(.+)\.js'/g)) {
    if (!found.has(`${imported}.d.ts`)) declarationsOf(`${imported}.d.ts`, found)
  }
  return found
}

/** The compiler's complaints; an empty text when it has none. */
function compile(config, compiler, resolution, { lib, types, files }) {
  const compilerOptions = {
    ...resolution,
    target: 'es2022',
    lib,
    types,
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
  }
  const project = join(folder, config)
  writeFileSync(project, JSON.stringify({ compilerOptions, files: files.map((name) => `src/${name}`) }))
  const tsc = join(root, 'node_modules', compiler, 'bin', 'tsc')
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', project], { cwd: folder }, (error, stdout, stderr) => {
      if (error === null) return resolve('')
      const lines = (`${stdout}${stderr}`.trim() || error.message).split('\n')
      resolve([...lines.slice(0, MAX_LINES), ...(lines.length > MAX_LINES ? ['…'] : [])].join('\n'))
    })
  })
}
