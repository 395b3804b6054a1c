/** The options of `bench`. */
import { type Command, Option } from 'commander'
import type { WeightsOption } from '../../model/size-types.ts'
import { type Cli, disabledFeatures, UsageError } from '../context.ts'
import type { Values } from '../options.ts'
import type { ShapeName } from './random-checkpoint.ts'

export interface BenchOptions {
  /** A checkpoint; undefined is the embedded model, or random weights where `shape` is set. */
  readonly model: string | undefined
  readonly shape: ShapeName | undefined
  /** Layers of a shape. */
  readonly layers: number
  readonly weights: WeightsOption
  /** undefined: the default list, as far as the model's context and the time reach. */
  readonly contexts: readonly number[] | undefined
  /** Tokens to decode after each prompt; undefined: as many as a few seconds hold. */
  readonly tokens: number | undefined
  readonly kernels: boolean
  /** Where the trace goes. */
  readonly profile: string | undefined
  readonly json: boolean
  /** Features of the GPU to do without. */
  readonly disabled: readonly string[]
}

const DEFAULT_LAYERS = 2
const SHAPE_NAMES: readonly ShapeName[] = ['7b', 'nemo', 'tiny']
const FEATURES: Readonly<Record<string, string>> = {
  f16: 'shader-f16',
  'shader-f16': 'shader-f16',
  subgroups: 'subgroups',
}

export function addBenchOptions(command: Command): Command {
  return command
    .optionsGroup('Model:')
    .option(
      '-m, --model <source>',
      'a folder, a .gguf file, or a URL of either (default: the small model of the package)',
    )
    .addOption(new Option('--shape <name>', 'random weights in the shape of a real model instead').choices(SHAPE_NAMES))
    .option('--layers <n>', `layers of the shape (default: ${DEFAULT_LAYERS})`)
    .addOption(new Option('--weights <type>', 'type of the weights on the GPU').choices(['native', 'q8', 'q4']))
    .optionsGroup('Measurement:')
    .option('--contexts <list>', 'lengths of the prompt (default: 16,128,512 as far as model and time reach)')
    .option('--tokens <n>', 'tokens to decode after each prompt (default: up to 24, fewer where they take long)')
    .option('--kernels', 'time each matrix product on its own, too')
    .option('--profile <file>', 'time every kernel, too, and write a trace that Perfetto and chrome://tracing open')
    .option('--disable <list>', 'do without these features of the GPU: f16, subgroups')
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object')
}

/** Throws `UsageError`. */
export function benchOptions(cli: Cli, values: Values): BenchOptions {
  const shape = values.shape as ShapeName | undefined
  const model = values.model as string | undefined
  if (shape !== undefined && model !== undefined) throw new UsageError('--shape takes the place of --model: name one')
  const layers = integer('--layers', values.layers, 128)
  if (layers !== undefined && model !== undefined)
    throw new UsageError('--layers goes with --shape; a model has its own')
  return {
    model,
    // Layers can only be asked of a shape.
    shape: shape ?? (layers === undefined ? undefined : 'tiny'),
    layers: layers ?? DEFAULT_LAYERS,
    weights: (values.weights as WeightsOption | undefined) ?? 'native',
    contexts: integers('--contexts', values.contexts, 1_048_576),
    tokens: integer('--tokens', values.tokens, 65_536),
    kernels: values.kernels === true,
    profile: values.profile as string | undefined,
    json: values.json === true,
    disabled: [...new Set([...disabledFeatures(cli), ...features(values.disable)])],
  }
}

function features(value: unknown): string[] {
  return words(value).map((word) => {
    const name = FEATURES[word]
    if (name === undefined) throw new UsageError(`option --disable ${JSON.stringify(word)} must be f16 or subgroups`)
    return name
  })
}

function integers(flag: string, value: unknown, most: number): number[] | undefined {
  if (value === undefined) return undefined
  const all = words(value).map((word) => integer(flag, word, most)!)
  if (all.length === 0) throw new UsageError(`option ${flag} must name at least one number, as in 16,128`)
  return [...new Set(all)].sort((a, b) => a - b)
}

function integer(flag: string, value: unknown, most: number): number | undefined {
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= 1 && number <= most) return number
  throw new UsageError(`option ${flag} ${JSON.stringify(value)} must be a whole number from 1 to ${most}`)
}

function words(value: unknown): string[] {
  const parts = typeof value === 'string' ? value.split(',') : []
  return parts.map((word) => word.trim()).filter((word) => word !== '')
}
