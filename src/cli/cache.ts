/** `cache`: what was downloaded, whether it is whole, and taking it away. */
import type { Command } from 'commander'
import type { CachedModel } from '../generate/cache-types.ts'
import { listCached, removeCached, verifyCached } from '../generate/cached.ts'
import { type Cli, interruptible } from './context.ts'
import type { Values } from './options.ts'
import { statusLine } from './status-line.ts'
import { bytes } from './units.ts'

export function registerCache(program: Command, cli: Cli): void {
  const cache = program
    .command('cache')
    .description('List, verify and remove downloaded models: those of this program, huggingface_hub and llama.cpp.')
  cache
    .command('list')
    .description('The models in the cache, with their sizes.')
    .option('--json', 'print one JSON array')
    .action((values: Values) => list(cli, values.json === true))
  cache
    .command('verify')
    .description('Compare files with their hashes. What is wrong is removed, and the exit code is 1.')
    .argument('[name]', 'owner/name; all models without it')
    .action((name: string | undefined) => verify(cli, name))
  cache
    .command('remove')
    .description('Remove a model: owner/name, or one revision of it with owner/name@revision.')
    .argument('<name...>', 'what to remove')
    .action((names: string[]) => remove(cli, names))
  cache.addHelpText('after', HELP)
}

async function list(cli: Cli, json: boolean): Promise<void> {
  const models = await listCached()
  const text = json ? JSON.stringify(models) : models.length === 0 ? 'no models' : models.map(line).join('\n')
  await cli.terminal.out.write(`${text}\n`)
}

function line({ repository, commit, revisions, bytes: size, files }: CachedModel): string {
  const named = revisions.length > 0 ? revisions.join(', ') : commit.slice(0, 12)
  return `${repository}@${named}  ${bytes(size)}  ${files.length} ${files.length === 1 ? 'file' : 'files'}`
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
    await cli.terminal.out.write(`${counts.right} files are right, ${counts.wrong} were wrong${unknown}\n`)
    if (counts.wrong > 0) cli.terminal.setExitCode(1)
  })
}

async function remove(cli: Cli, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const freed = await removeCached(name)
    if (freed === 0) cli.terminal.setExitCode(1)
    const text = freed === 0 ? 'there is no such model in the cache' : `removed, ${bytes(freed)} are free again`
    await cli.terminal.out.write(`${name}: ${text}\n`)
  }
}

const HELP = `
Examples:
  $ mistral-webgpu cache list
  $ mistral-webgpu cache verify mistralai/Ministral-3-3B-Instruct-2512
  $ mistral-webgpu cache remove mistralai/Ministral-3-3B-Instruct-2512`
