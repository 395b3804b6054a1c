/** `perplexity`: how well a model predicts a text. */
import { type Command, Option } from 'commander'
import { platform } from '#platform'
import { unlessAborted } from '../async/abort.ts'
import { CheckpointError } from '../errors.ts'
import type { Perplexity, PerplexityOptions } from '../generate/perplexity.ts'
import { type Cli, interruptible, UsageError } from './context.ts'
import { loadModel } from './load.ts'
import { addPlainModelOptions, integerOption, plainModelOptions, type Values } from './options.ts'
import { statusLine } from './status-line.ts'

const METHODS = ['strided', 'llama.cpp'] as const

export function registerPerplexity(program: Command, cli: Cli): void {
  const command = program
    .command('perplexity')
    .description('Measure how well a model predicts a text: the perplexity, with the method that was used.')
    .requiredOption('-f, --file <text>', 'the text, in UTF-8; "-" is standard input')
    .addOption(new Option('--method <name>', 'how the text is cut (default: strided)').choices(METHODS))
    .option('--window <n>', 'tokens that are read at a time (default: the context length)')
    .option('--stride <n>', 'tokens from one window to the next (default: half a window)')
  addPlainModelOptions(command)
    .option('--adapter <source>', "a LoRA adapter: PEFT's folder, a .gguf, or a URL of either")
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((values: Values) => measure(cli, values))
}

async function measure(cli: Cli, values: Values): Promise<void> {
  const options = plainModelOptions(values)
  const how: PerplexityOptions = {
    method: values.method as PerplexityOptions['method'],
    window: integerOption('--window', values.window, { min: 2 }),
    stride: integerOption('--stride', values.stride),
  }
  await interruptible(cli, async (signal) => {
    const text = await unlessAborted(readText(cli, values.file as string), signal)
    const model = await loadModel(cli, options, signal)
    try {
      const line = statusLine(cli)
      const onProgress: PerplexityOptions['onProgress'] = ({ windows, total, perplexity }) => {
        line.show(
          `window ${windows} of ${total}${perplexity === undefined ? '' : `  perplexity ${digits(perplexity)}`}`,
        )
      }
      const source = values.adapter as string | undefined
      const adapter = source === undefined ? undefined : (await model.loadAdapter(source, { signal })).name
      const found = await model.perplexity(text, { ...how, adapter, signal, onProgress }).finally(() => line.clear())
      const weights = model.status().quantization
      await cli.terminal.out.write(values.json === true ? `${JSON.stringify(wire(found, weights))}\n` : render(found))
    } finally {
      model.dispose()
    }
  })
}

async function readText(cli: Cli, path: string): Promise<string> {
  const text = path === '-' ? await cli.terminal.startInput().text : utf8(path, await readFile(path))
  if (text === '') throw new UsageError(`option --file ${JSON.stringify(path)}: holds no text`)
  return text
}

async function readFile(path: string): Promise<Uint8Array> {
  const file = await platform.openFile(path)
  try {
    return await file.read(0, file.size)
  } finally {
    await file.close()
  }
}

function utf8(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CheckpointError({ file: path }, 'is not UTF-8 text', { cause: error })
  }
}

/** The object that `--json` prints. Numbers that are not there are null. */
function wire(found: Perplexity, quantization: unknown) {
  return {
    perplexity: found.perplexity,
    perplexity_error: found.perplexityError,
    nats_per_token: found.nll,
    nats_per_token_error: found.nllError,
    bits_per_byte: found.bitsPerByte ?? null,
    counted_tokens: found.countedTokens,
    tokens: found.tokens,
    method: found.method,
    window: found.window,
    stride: found.stride,
    windows: found.windows,
    quantization: quantization ?? null,
  }
}

function render(found: Perplexity): string {
  const { method, window, stride, windows, countedTokens, tokens } = found
  const how = method === 'strided' ? `strided (Hugging Face's guide), stride ${stride}` : 'llama.cpp, second halves'
  const rows = [
    ['perplexity', `${digits(found.perplexity)} ± ${digits(found.perplexityError)}`],
    ['nats per token', `${found.nll.toFixed(5)} ± ${found.nllError.toFixed(5)}`],
    ['bits per byte', found.bitsPerByte?.toFixed(5) ?? 'unknown'],
    ['counted', `${countedTokens} of ${tokens} tokens, each once`],
    ['method', `${how}, window ${window}: ${windows} ${windows === 1 ? 'window' : 'windows'}`],
  ]
  return rows.map(([name, value]) => `${name!.padEnd(16)} ${value}\n`).join('')
}

function digits(value: number): string {
  return value < 1000 ? value.toFixed(4) : value.toPrecision(7)
}

const HELP = `
Examples:
  $ mistral-webgpu perplexity -f wiki.test.raw -m ./Mistral-7B-v0.3
  $ mistral-webgpu perplexity -f notes.txt --weights q4 --json
  $ mistral-webgpu perplexity -f notes.txt --method llama.cpp --window 512

exp(mean negative log-likelihood) over the counted tokens; ± is one standard
error, with tokens taken for independent. "strided" is the sliding window of
https://huggingface.co/docs/transformers/perplexity: windows begin a stride
apart, and each token counts once, in the first window that reaches it.
"llama.cpp" cuts windows that do not overlap, begins each with BOS, and counts
the second half of each. Numbers compare only for one text, one vocabulary, one
method, window and stride. The text is taken as text: what spells a control
token is not one.`
