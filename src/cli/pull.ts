/** `pull`: a model of the Hugging Face Hub into the cache. */
import type { Command } from 'commander'
import { bytes } from '../errors/units.ts'
import { pull } from '../generate/cached.ts'
import { chosenModel } from './choice.ts'
import { type Cli, interruptible, note } from './context.ts'
import { progressBar } from './progress.ts'

export function registerPull(program: Command, cli: Cli): void {
  program
    .command('pull')
    .description('Download a model of the Hugging Face Hub into the cache, which huggingface_hub and llama.cpp share.')
    .argument('<name>', 'owner/name, owner/name@revision, owner/name:Q4_K_M, owner/name:file.gguf, or an address')
    .addHelpText('after', HELP)
    .action((name: string) => run(cli, name))
}

async function run(cli: Cli, name: string): Promise<void> {
  await interruptible(cli, async (signal) => {
    const bar = progressBar(cli)
    const onProgress = bar.update
    // Said before gigabytes come, so that there is time to stop.
    const told = new Set<string>()
    const onChoice = (text: string) => {
      told.add(text)
      void note(cli, `note: ${text}`)
    }
    const found = await chosenModel(cli, name, (name) =>
      pull(name, { signal, onProgress, onChoice }).finally(() => bar.stop()),
    )
    for (const text of found.notes) if (!told.has(text)) await note(cli, `note: ${text}`)
    const state = found.isLocal ? 'which lie here already: nothing was downloaded or verified' : 'verified and ready'
    await cli.terminal.out.write(`${found.name}: ${bytes(found.bytes)} of weights, ${state}\n`)
  })
}

const HELP = `
Examples:
  $ mistral-webgpu pull mistralai/Ministral-3-3B-Instruct-2512
  $ mistral-webgpu pull bartowski/Mistral-7B-Instruct-v0.3-GGUF:Q4_K_M
  $ HF_TOKEN=hf_... mistral-webgpu pull mistralai/Mistral-7B-Instruct-v0.3

Commands that take --model pull by themselves. Of several types in one
repository the first that fits this machine is taken: four-bit types first
(Q4_K_M), then larger ones up to Q8_0, then smaller ones. An interrupted
download goes on where it ended; a file counts when its size and its SHA-256
are right. HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE mean
what they mean to huggingface_hub.`
