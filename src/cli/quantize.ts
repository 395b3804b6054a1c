/** `quantize`: a model with fewer bits, written to a folder. */
import { type Command, Option } from 'commander'
import { bytes } from '../errors/units.ts'
import { type QuantizeResult, quantize } from '../generate/quantize.ts'
import { type Cli, interruptible, note } from './context.ts'
import { addAliases, type Values } from './options.ts'
import { progressBar } from './progress.ts'

export function registerQuantize(program: Command, cli: Cli): void {
  const out = new Option('-o, --out <folder>', 'where to write; made when it is missing').makeOptionMandatory()
  const command = program
    .command('quantize')
    .description('Write a model with fewer bits to a folder, as a GGUF that loads as if it were rounded while loading.')
    .requiredOption('-m, --model <source>', 'a folder, a .gguf file, or a URL of either')
    .addOption(new Option('--weights <type>', 'what to round to').choices(['q8', 'q4']).makeOptionMandatory())
    .addOption(out)
    .option('--force', 'write into a folder that is not empty, over an earlier result')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((values: Values) => run(cli, values))
  addAliases(command, out, ['--output', '--output-dir', '--outfile'])
}

async function run(cli: Cli, values: Values): Promise<void> {
  const folder = values.out as string
  await interruptible(cli, async (signal) => {
    const bar = progressBar(cli)
    const result = await quantize(values.model as string, folder, {
      weights: values.weights as 'q8' | 'q4',
      force: values.force === true,
      signal,
      onProgress: (progress) => bar.update(progress),
    }).finally(() => bar.stop())
    for (const text of result.notes) await note(cli, `note: ${text}`)
    const text = values.json === true ? JSON.stringify({ folder, ...result }) : render(folder, result)
    await cli.terminal.out.write(`${text}\n`)
  })
}

function render(folder: string, { files, bytes: size, quantization }: QuantizeResult): string {
  const [model, ...others] = files
  const beside = others.length === 0 ? '' : `, and beside it ${others.join(', ')}`
  const lines = [`${folder}: ${model}, ${bytes(size)}${beside}`]
  if (quantization === undefined) return `${lines[0]}\nno weight was rounded: the model has these types`
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`
  const kinds = Object.entries(quantization.byMatrix).map(([name, error]) => `${name} ${percent(error)}`)
  lines.push(`error (root mean square, relative): ${percent(quantization.relativeError)} in all; ${kinds.join(', ')}`)
  return lines.join('\n')
}

const HELP = `
Examples:
  $ mistral-webgpu quantize -m ./Mistral-7B-v0.3 --weights q4 -o ./mistral-q4
  $ mistral-webgpu chat -m ./mistral-q4

The folder gets model.gguf and copies of the files of tokenizer and chat
template. q4 is Q4_0, with embedding and output projection in Q8_0; q8 is Q8_0.
llama.cpp, Ollama, LM Studio and transformers (gguf_file=) open the file, too.
The scale of each block of 32 weights is the best of a few by squared error,
as with --weights while loading: the bits on the GPU are the same. A few
megabytes are in memory at a time, and files get their names when all are
complete. Only model.gguf and the copied files are ever written over.`
