/** The model that `bench` measures: a checkpoint, or random weights. */
import { openSource } from '../../formats/source.ts'
import { MistralModel } from '../../generate/mistral-model.ts'
import type { Weight } from '../../kernels/weight.ts'
import { weightReadBytes } from '../../kernels/weight.ts'
import { type Checkpoint, openCheckpoint } from '../../model/checkpoint.ts'
import type { ModelWeights } from '../../model/mistral.ts'
import { type Cli, UsageError } from '../context.ts'
import { progressBar } from '../progress.ts'
import type { BenchOptions } from './options.ts'
import { randomCheckpoint } from './random-checkpoint.ts'
import type { ModelFacts } from './report.ts'

/** The subject of a benchmark: a loaded model, and the lengths of prompt that fit it. */
export interface Subject {
  readonly model: MistralModel
  readonly facts: ModelFacts
  readonly contexts: readonly number[]
  /** Lengths of the default list that the model does not reach. */
  readonly outOfReach: readonly number[]
  /** Tokens to decode after each prompt at most. */
  readonly tokens: number
}

const DEFAULT_CONTEXTS = [16, 128, 512]
const DEFAULT_TOKENS = 24

/** Loads what the options name. Throws what `MistralModel.load` throws, and `UsageError`; the caller disposes it. */
export async function loadSubject(cli: Cli, options: BenchOptions, signal?: AbortSignal): Promise<Subject> {
  const { checkpoint, source, random } = await open(options, signal)
  const bar = progressBar(cli)
  try {
    const { maxPositions, nLayers, dim, vocabSize } = checkpoint.config
    const { contexts, outOfReach, tokens } = planContexts(options, maxPositions)
    const start = performance.now()
    const model = await MistralModel.fromCheckpoint(checkpoint, {
      // Random weights are stored as asked for.
      weights: random ? 'native' : options.weights,
      contextLength: Math.min(maxPositions, Math.max(...contexts) + tokens + 1),
      disableFeatures: options.disabled,
      signal,
      onProgress: (progress) => bar.update(progress),
    })
    const { gpu, weights, cache, contextLength } = model.loaded
    const facts: ModelFacts = {
      source,
      random_weights: random,
      layers: nLayers,
      dim,
      vocab: vocabSize,
      weights: dtypesOf(weights),
      kv_cache: cache[0]!.layout.name,
      context_length: contextLength,
      gpu_bytes: gpu.counters.bytesAlive,
      memory: model.loaded.memory(),
      load_ms: performance.now() - start,
    }
    return { model, facts, contexts, outOfReach, tokens }
  } finally {
    bar.stop()
    await checkpoint.close()
  }
}

interface Opened {
  readonly checkpoint: Checkpoint
  readonly source: string
  readonly random: boolean
}

async function open(options: BenchOptions, signal?: AbortSignal): Promise<Opened> {
  const { shape, layers, weights } = options
  if (shape !== undefined) {
    return { checkpoint: randomCheckpoint(shape, layers, weights), source: `${shape}, random weights`, random: true }
  }
  const path = options.model ?? 'pocket'
  const files = await openSource(path, { signal })
  try {
    return { checkpoint: await openCheckpoint(files, { signal }), source: path, random: false }
  } catch (error) {
    await files.close()
    throw error
  }
}

function planContexts(
  { contexts, tokens = DEFAULT_TOKENS }: BenchOptions,
  maxPositions: number,
): Pick<Subject, 'contexts' | 'outOfReach' | 'tokens'> {
  const fits = (context: number): boolean => context + tokens + 1 <= maxPositions
  const wanted = contexts ?? DEFAULT_CONTEXTS
  const fitting = wanted.filter(fits)
  const outOfReach = wanted.filter((context) => !fits(context))
  if (fitting.length === 0 || (contexts !== undefined && outOfReach.length > 0)) {
    const room = `the model's ${maxPositions} positions do not hold a prompt of ${outOfReach[0]} and ${tokens} tokens`
    throw new UsageError(`${room}; --contexts and --tokens set them`)
  }
  return { contexts: fitting, outOfReach, tokens }
}

/** Every piece of a matrix that one token goes through. */
export function matricesOf({ layers, output }: ModelWeights): Weight[] {
  return [...layers.flatMap(({ wqkv, wo, w13, w2 }) => [...wqkv, ...wo, ...w13, ...w2]), ...output]
}

/** Bytes of weights that one token reads: all matrices, all gains, and its own row of the embedding. */
export function weightBytesPerToken(weights: ModelWeights): number {
  const { layers, norm, tokEmbeddings } = weights
  const matrices = matricesOf(weights).reduce((sum, weight) => sum + weightReadBytes(weight), 0)
  const gains = layers.reduce((sum, layer) => sum + layer.attentionNorm.size + layer.ffnNorm.size, norm.size)
  const [table] = tokEmbeddings
  return matrices + gains + Math.round(weightReadBytes(table!) / table!.rows)
}

/** Types of the matrices, the one with most bytes first. */
export function dtypesOf(weights: ModelWeights): string[] {
  const bytes = new Map<string, number>()
  for (const weight of matricesOf(weights)) {
    const { name } = weight.layout
    bytes.set(name, (bytes.get(name) ?? 0) + weightReadBytes(weight))
  }
  return [...bytes].sort((a, b) => b[1] - a[1]).map(([dtype]) => dtype)
}
