/**
 * Installs the packed package in projects of every common bundler and runtime, builds them, and asks the embedded model:
 * `npm run test:consumers [-- names]`. Needs the npm registry, and for pages a Chromium with WebGPU. Prints a table.
 */
import type { Browser } from 'playwright-core'
import { INSTALL_ADVICE, startChromium } from '../runtime/chromium.ts'
import { type StaticServer, serveFolders } from '../runtime/static-server.ts'
import { must, run, type Server, serve, Workspace } from './workspace.ts'

interface Consumer {
  readonly name: string
  /** Where it is in this folder. */
  readonly folder: string
  /** A folder of `shared/` whose files it has too, where it has none of the same name. */
  readonly shared?: 'page' | 'program' | 'worker'
  /** npm scripts that must succeed without a warning, one after another. */
  readonly build?: readonly string[]
  /** Its page: the folder's own files, or an npm script that serves them. */
  readonly page?: 'files' | { readonly script: string }
  /** Whether the page shows, too, what a model answers that tabs share, and that it is in a shared worker. */
  readonly sharesModel?: boolean
  /** An npm script that prints both answers. */
  readonly program?: string
  /** What `load('pocket')` must give. */
  readonly byName: 'answer' | 'refusal'
}

const CONSUMERS: readonly Consumer[] = [
  {
    name: 'Vite, built',
    folder: 'vite',
    shared: 'page',
    build: ['build'],
    page: { script: 'preview' },
    byName: 'refusal',
  },
  { name: 'Vite, dev server', folder: 'vite', shared: 'page', page: { script: 'dev' }, byName: 'refusal' },
  {
    name: 'Next, Turbopack',
    folder: 'next',
    build: ['build:turbopack'],
    page: { script: 'start' },
    byName: 'refusal',
  },
  { name: 'Next, webpack', folder: 'next', build: ['build:webpack'], page: { script: 'start' }, byName: 'refusal' },
  { name: 'Next, Turbopack dev', folder: 'next', page: { script: 'dev' }, byName: 'refusal' },
  { name: 'webpack', folder: 'webpack', shared: 'page', build: ['build'], page: 'files', byName: 'refusal' },
  { name: 'esbuild', folder: 'esbuild', shared: 'page', build: ['build'], page: 'files', byName: 'refusal' },
  { name: 'Rollup', folder: 'rollup', shared: 'page', build: ['build'], page: 'files', byName: 'refusal' },
  {
    name: 'Vite, worker',
    folder: 'vite-worker',
    shared: 'worker',
    sharesModel: true,
    build: ['build'],
    page: { script: 'preview' },
    byName: 'refusal',
  },
  {
    name: 'webpack, worker',
    folder: 'webpack-worker',
    shared: 'worker',
    sharesModel: true,
    build: ['build'],
    page: 'files',
    byName: 'refusal',
  },
  {
    name: 'esbuild, worker',
    folder: 'esbuild-worker',
    shared: 'worker',
    sharesModel: true,
    build: ['build'],
    page: 'files',
    byName: 'refusal',
  },
  {
    name: 'Next, Turbopack, worker',
    folder: 'next-worker',
    build: ['build:turbopack'],
    page: { script: 'start' },
    sharesModel: true,
    byName: 'refusal',
  },
  { name: 'page, import map', folder: 'unbundled', shared: 'page', page: 'files', byName: 'answer' },
  { name: 'Node', folder: 'node', shared: 'program', program: 'start', byName: 'answer' },
  { name: 'CommonJS, require', folder: 'commonjs', program: 'start', byName: 'answer' },
  { name: 'CommonJS, esbuild', folder: 'commonjs', program: 'bundle', byName: 'refusal' },
  { name: 'Deno', folder: 'deno', shared: 'program', program: 'start', byName: 'answer' },
  { name: 'Bun', folder: 'bun', shared: 'program', program: 'start', byName: 'answer' },
  { name: 'Bun, bundled', folder: 'bun', shared: 'program', program: 'bundle', byName: 'refusal' },
]

const NPX = 'npx'
const ANSWER = /^The mistral is a .*wind/
const REFUSAL = /^ParameterError: parameter "source" \("pocket"\).*import pocket from 'mistral-webgpu\/pocket'/
const WARNING = /\bwarn(ing)?s?\b/i
const PAGE_TIMEOUT_MS = 120_000

interface Row {
  readonly name: string
  readonly right: boolean
  readonly seconds: number
  readonly said: string
}

class Runner {
  readonly rows: Row[] = []
  private readonly installed = new Map<string, Promise<string>>()
  private port = 4200

  constructor(
    private readonly workspace: Workspace,
    private readonly browser: Browser | undefined,
  ) {}

  async row(name: string, work: () => Promise<string>): Promise<void> {
    const start = performance.now()
    const [right, said] = await work().then(
      (text) => [true, text] as const,
      (error) => [false, error instanceof Error ? error.message : String(error)] as const,
    )
    const seconds = (performance.now() - start) / 1000
    this.rows.push({ name, right, seconds, said })
    console.log(`${right ? 'right' : 'WRONG'}  ${name.padEnd(20)} ${seconds.toFixed(0).padStart(4)} s  ${said}`)
  }

  async consume(consumer: Consumer): Promise<string> {
    const { folder: name, shared, build = [], page, program, byName } = consumer
    const folder = await this.folderOf(name, shared)
    for (const script of build) {
      const { output } = await must(run(`npm run --silent ${script}`, folder))
      if (WARNING.test(output)) throw new Error(`${script} warned:\n${output.trim()}`)
    }
    const answers = page ? await this.askPage(folder, page, consumer) : await this.askProgram(folder, program)
    return checked(answers, byName)
  }

  /** What `npx` gets of the registry, from the tarball. */
  async npx(): Promise<string> {
    const { folder, tarball } = this.workspace
    const question = "--prompt 'What is a mistral?' --no-sample --max-new-tokens 24"
    const packages = `-p ${tarball} -p webgpu`
    const { output } = await must(run(`npx --yes ${packages} mistral-webgpu generate ${question}`, folder))
    const answer = output.split('\n').find((line) => ANSWER.test(line))
    if (answer === undefined) throw new Error(output.trim())
    return answer
  }

  private folderOf(name: string, shared: Consumer['shared']): Promise<string> {
    const known = this.installed.get(name) ?? this.workspace.install(name, shared)
    this.installed.set(name, known)
    return known
  }

  private async askPage(
    folder: string,
    page: NonNullable<Consumer['page']>,
    { sharesModel = false }: Consumer,
  ): Promise<string[]> {
    if (this.browser === undefined) throw new Error(INSTALL_ADVICE)
    let server: Server | StaticServer
    let address = ''
    if (page === 'files') {
      server = await serveFolders({ app: folder })
      address = 'app/index.html'
    } else {
      server = await serve(`npm run --silent ${page.script}`, folder, this.port++)
    }
    const context = await this.browser.newContext()
    try {
      const tab = await context.newPage()
      const complaints: string[] = []
      tab.on('pageerror', (error) => complaints.push(String(error)))
      tab.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      await tab.goto(`${server.origin}/${address}`)
      const shown = async (id: string) => {
        const element = tab.locator(`#${id}:not(:empty)`)
        await element.waitFor({ timeout: PAGE_TIMEOUT_MS, state: 'attached' }).catch(() => {
          throw new Error(`the page shows no ${id}. ${complaints.join('. ')}`)
        })
        return ((await element.textContent()) ?? '').trim()
      }
      const answers = [await shown('answer'), await shown('by-name')]
      if (sharesModel) answers.push(await shown('shared'))
      return answers
    } finally {
      await context.close()
      await ('stop' in server ? server.stop() : server.close())
    }
  }

  private async askProgram(folder: string, script = 'start'): Promise<string[]> {
    const { output } = await must(run(`npm run --silent ${script}`, folder))
    return output.split('\n').filter((line) => ANSWER.test(line) || REFUSAL.test(line) || /untyped|Error/.test(line))
  }
}

/** @throws Error when the answers are not those */
function checked([answer = '', named = '', shared]: readonly string[], byName: Consumer['byName']): string {
  if (!ANSWER.test(answer)) throw new Error(`the model said ${JSON.stringify(answer)}`)
  if (shared !== undefined && shared !== `shared-worker: ${answer}`)
    throw new Error(`tabs share ${JSON.stringify(shared)}`)
  const loaded = named === 'loaded' || ANSWER.test(named)
  if (byName === 'answer' ? !loaded : !REFUSAL.test(named)) {
    throw new Error(`load('pocket') gave ${JSON.stringify(named)} in place of the ${byName}`)
  }
  return answer
}

async function main(wanted: readonly string[]): Promise<void> {
  const asked = (name: string, folder: string) =>
    wanted.length === 0 || wanted.includes(folder) || wanted.includes(name)
  const workspace = new Workspace()
  const browser = await startChromium()
  try {
    await workspace.pack()
    const runner = new Runner(workspace, browser)
    for (const consumer of CONSUMERS.filter(({ name, folder }) => asked(name, folder))) {
      await runner.row(consumer.name, () => runner.consume(consumer))
    }
    if (asked(NPX, NPX)) await runner.row(NPX, () => runner.npx())
    const wrong = runner.rows.filter(({ right }) => !right).length
    console.log(`${runner.rows.length - wrong} right, ${wrong} wrong`)
    process.exitCode = wrong === 0 && runner.rows.length > 0 ? 0 : 1
  } finally {
    await browser?.close()
    workspace.remove()
  }
}

await main(process.argv.slice(2))
