/** `cache`: what was downloaded, whether it is whole, and taking it away. */
import type { Command } from 'commander'
import { bytes } from '../errors/units.ts'
import type { CachedModel } from '../generate/cache-types.ts'
import { listUnfinished, removeNamed } from '../generate/cache-work.ts'
import { listCached, verifyCached } from '../generate/cached.ts'
import { type Cli, interruptible } from './context.ts'
import type { Values } from './options.ts'
import { statusLine } from './status-line.ts'

export function registerCache(program: Command, cli: Cli): void {
  const cache = program
    .command('cache')
    .description('List, verify and remove what this program, huggingface_hub and llama.cpp have downloaded.')
  cache
    .command('list')
    .alias('ls')
    .description('The models in the cache, with their sizes.')
    .option('--json', 'print one JSON array')
    .action((values: Values) => list(cli, values.json === true))
  cache
    .command('verify')
    .description('Compare files with their hashes. What is wrong is removed, and the exit code is 1.')
    .argument('[name]', 'as the list shows it; all models without it')
    .action((name: string | undefined) => verify(cli, name))
  cache
    .command('remove')
    .alias('rm')
    .description('Remove a model, a revision of it (owner/name@revision) or a type (owner/name:Q4_K_M).')
    .argument('<name...>', 'what to remove')
    .action((names: string[]) => remove(cli, names))
  cache.addHelpText('after', HELP)
}

async function list(cli: Cli, json: boolean): Promise<void> {
  const models = await listCached()
  const text = json ? JSON.stringify(models) : models.length === 0 ? 'no models' : table(models)
  await cli.terminal.out.write(`${text}\n`)
  if (json) return
  for (const [repository, size] of await listUnfinished({})) {
    await cli.terminal.out.write(`${repository}: ${bytes(size)} of an unfinished download; "pull" goes on with it\n`)
  }
}

/** Sizes stand below each other. */
function table(models: readonly CachedModel[]): string {
  const rows = models.map(({ repository, commit, revisions, bytes: size, files }) => ({
    name: `${repository}@${revisions.length > 0 ? revisions.join(', ') : commit.slice(0, 12)}`,
    size: bytes(size),
    files: counted(files.length),
  }))
  const width = (of: (row: (typeof rows)[number]) => string) => Math.max(...rows.map((row) => of(row).length))
  const [nameWidth, sizeWidth] = [width(({ name }) => name), width(({ size }) => size)]
  return rows
    .map(({ name, size, files }) => `${name.padEnd(nameWidth)}  ${size.padStart(sizeWidth)}  ${files}`)
    .join('\n')
}

function counted(files: number): string {
  return files === 1 ? '1 file' : `${files} files`
}

async function verify(cli: Cli, name: string | undefined): Promise<void> {
  await interruptible(cli, async (signal) => {
    const status = statusLine(cli)
    const counts = { right: 0, wrong: 0, unknown: 0 }
    try {
      for await (const { repository, file, verdict } of verifyCached(name, { signal })) {
        counts[verdict]++
        status.show(`${repository} ${file}`)
        if (verdict !== 'wrong') continue
        status.clear()
        await cli.terminal.out.write(`${repository} ${file}: is not what its hash says, and was removed\n`)
      }
    } finally {
      status.clear()
    }
    const unknown = counts.unknown === 0 ? '' : `, ${counts.unknown} without a hash to compare`
    const right = `${counted(counts.right)} ${counts.right === 1 ? 'is' : 'are'} right`
    const wrong = `${counts.wrong} ${counts.wrong === 1 ? 'was' : 'were'} wrong`
    await cli.terminal.out.write(`${right}, ${wrong}${unknown}\n`)
    if (counts.wrong > 0) cli.terminal.setExitCode(1)
  })
}

async function remove(cli: Cli, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { isFound, freed } = await removeNamed(name, {})
    if (!isFound) cli.terminal.setExitCode(1)
    const space = freed === 0 ? 'other files share its content' : `${bytes(freed)} are free again`
    const text = isFound ? `removed, ${space}` : 'there is no such model in the cache'
    await cli.terminal.out.write(`${name}: ${text}\n`)
  }
}

const HELP = `
Examples:
  $ mistral-webgpu cache list
  $ mistral-webgpu cache verify mistralai/Ministral-3-3B-Instruct-2512
  $ mistral-webgpu cache remove mistralai/Ministral-3-3B-Instruct-2512`
