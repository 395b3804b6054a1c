/** `plan`: what a model would take of the GPU, from its headers alone. */
import type { Command } from 'commander'
import { plan } from '../generate/plan.ts'
import type { ModelPlan } from '../model/plan-types.ts'
import { chosenModel } from './choice.ts'
import { type Cli, disabledFeatures, interruptible, inWindow, UsageError } from './context.ts'
import { FACTS_INDENT } from './facts.ts'
import { addPlainModelOptions, integerOption, plainModelOptions, type Values } from './options.ts'
import { planLines } from './plan-text.ts'

export function registerPlan(program: Command, cli: Cli): void {
  const command = program
    .command('plan')
    .description('Show what a model would take of the GPU, and whether it fits, before its weights are downloaded.')
    .argument('[model]', 'as for --model')
  addPlainModelOptions(command)
    .option('--max-sequences <n>', 'requests that are worked on together, each with a cache (default: 1)')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((model: string | undefined, values: Values) => run(cli, model, values))
}

async function run(cli: Cli, given: string | undefined, values: Values): Promise<void> {
  const { model, verbose: _, ...options } = plainModelOptions(values)
  if (given !== undefined && model !== undefined)
    throw new UsageError('the model is named twice: with --model and without')
  const maxSequences = integerOption('--max-sequences', values.maxSequences, { max: 1024 })
  const found = await interruptible(cli, (signal) => {
    const load = { ...options, maxSequences, signal, disableFeatures: disabledFeatures(cli) }
    return chosenModel(cli, given ?? model ?? 'pocket', (source) => plan(source, load))
  })
  const words = () => inWindow(cli, 'out', planLines(found).join('\n'), FACTS_INDENT)
  const text = values.json === true ? JSON.stringify(wire(found), undefined, 2) : words()
  await cli.terminal.out.write(`${text}\n`)
  if (!found.fits) cli.terminal.setExitCode(1)
}

/** With the names that all JSON of the command line has. */
function wire(found: ModelPlan) {
  const { memory, problems, alternatives } = found
  return {
    fits: found.fits,
    source: found.source,
    format: found.format,
    adapter: found.adapter,
    weights: found.weights,
    context_length: found.contextLength,
    context_limit: found.contextLimit,
    largest_context: found.largestContext,
    trained_positions: found.trainedPositions,
    max_sequences: found.maxSequences,
    memory: {
      total: memory.total,
      weights: memory.weights,
      weights_by_type: memory.weightsByType,
      tensors: memory.tensors,
      cache: memory.cache,
      cache_type: memory.cacheType,
      cache_per_token: memory.cachePerToken,
      cache_per_sequence: memory.cachePerSequence,
      workspace: memory.workspace,
    },
    problems: problems.map(({ what, neededBytes, limit, limitBytes }) => ({
      what,
      needed_bytes: neededBytes,
      limit,
      limit_bytes: limitBytes,
    })),
    alternatives: alternatives.map(({ contextLength, ...rest }) => ({ ...rest, context_length: contextLength })),
    reasons: found.reasons,
    notes: found.notes,
  }
}

const HELP = `
Examples:
  $ mistral-webgpu plan mistralai/Ministral-3-3B-Instruct-2512
  $ mistral-webgpu plan bartowski/Mistral-7B-Instruct-v0.3-GGUF:Q4_K_M -c 32768
  $ mistral-webgpu plan ./model --weights q4 --max-memory 8GB --json

Headers are all that is read of the weights. WebGPU does not tell how much
memory a GPU has: --max-memory says how much of it the model may take.

Exit codes: 0 it fits, 1 it does not.`
