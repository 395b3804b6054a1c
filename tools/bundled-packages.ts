/** What the build does about packages that become part of it: Node's modules in those of CommonJS, and their licences. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import type { Options } from 'tsup'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

const BUILTIN = new RegExp(`^(node:)?(${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`)

/**
 * Leaves Node's modules out of the output. Packages of CommonJS `require` them, which ES modules cannot: they get what an
 * import finds.
 */
export function builtins(): Plugin {
  return {
    name: 'builtins',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: BUILTIN }, ({ kind, path }) => {
        const name = path.replace(/^node:/, '')
        return kind === 'require-call'
          ? { path: name, namespace: 'required' }
          : { path: `node:${name}`, external: true }
      })
      onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
        contents: `import module_ from 'node:${path}'\nmodule.exports = module_`,
      }))
    },
  }
}

/** The files of workers, which have other names and places in the output than among the sources. */
const WORKERS = [
  { file: 'platform/download-thread.ts', source: "'../formats/hub/worker.ts'", built: "'./download-worker.js'" },
  { file: 'platform/worker-browser.ts', source: "'../worker/host.ts'", built: "'./worker-host.js'" },
  { file: 'platform/worker-node.ts', source: "'../worker/host.ts'", built: "'./worker-host.js'" },
]

/** Names the files of workers as they are called in the output. */
export function builtWorkers(): Plugin {
  return {
    name: 'built-workers',
    setup({ onLoad }) {
      for (const { file, source, built } of WORKERS) {
        onLoad({ filter: new RegExp(`${file.replace('.', '\\.')}$`) }, ({ path }) => {
          const text = readFileSync(path, 'utf8')
          if (!text.includes(source)) throw new Error(`${path} does not name ${source}`)
          return { contents: text.replaceAll(source, built), loader: 'ts' }
        })
      }
    },
  }
}

/** What string-width makes of the runtime's tables as it is imported: 80 ms of each start, for text that is seldom printed. */
const TABLES = [
  ['new Intl.Segmenter()', 'segment'],
  [String.raw`/^\p{RGI_Emoji}$/v`, 'test'],
] as const

/** Makes them when they are first used. */
export function lateTables(): Plugin {
  return {
    name: 'late-tables',
    setup({ onLoad }) {
      onLoad({ filter: /node_modules[\\/]string-width[\\/]index\.js$/ }, ({ path }) => {
        let contents = readFileSync(path, 'utf8')
        // Packages bring versions of their own, not all of which have them.
        for (const [made, method] of TABLES) {
          const late = `= { ${method}(text) { return (this.made ??= ${made}).${method}(text) } };`
          contents = contents.replace(`= ${made};`, () => late)
        }
        return { contents, loader: 'js' }
      })
    },
  }
}

/** Leaves a source that is built by itself where it is built: beside the output. */
export function besideIt(name: string): Plugin {
  return {
    name: 'beside-it',
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`/${name}\\.ts$`) }, ({ kind }) =>
        kind === 'entry-point' ? undefined : { path: `./${name}.js`, external: true },
      )
    },
  }
}

/** The worker starts no other; bundlers would look for the file of one. */
export function noWorker(): Plugin {
  return {
    name: 'no-worker',
    setup({ onLoad }) {
      const contents = 'export const startDownloadThread = () => undefined'
      onLoad({ filter: /platform\/download-thread\.ts$/ }, () => ({ contents, loader: 'ts' }))
    },
  }
}

/** Writes the licence of every package whose code is in the output to `file`. Fails where one has none. */
export function licences(file: string): Plugin {
  return {
    name: 'licences',
    setup({ initialOptions, onEnd }) {
      initialOptions.metafile = true
      onEnd(({ metafile }) => {
        const inputs = Object.values(metafile?.outputs ?? {}).flatMap((output) => Object.keys(output.inputs))
        const folders = new Set(inputs.map(packageFolder).filter((folder) => folder !== undefined))
        const texts = [...folders].map(licenceOf).sort()
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, `Code of these packages is part of this one.\n\n${texts.join('\n')}`)
      })
    },
  }
}

/** `node_modules/@scope/name` of a file in it. */
function packageFolder(path: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const names = existsSync(folder) ? readdirSync(folder).filter((entry) => /^(licen[cs]e|copying)/i.test(entry)) : []
  if (names.length === 0) throw new Error(`${folder} has no licence file`)
  const texts = names.map((entry) => readFileSync(join(folder, entry), 'utf8').trim())
  return `== ${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`
}
