/** What loading a checkpoint would take of a device, counted by the code that allocates. Headers are all that is read for it. */
import { MemoryError } from '../errors.ts'
import type { Gpu } from '../gpu/device.ts'
import { type Ledger, ledgerOf } from '../gpu/ledger.ts'
import type { Allocation } from './allocation.ts'
import type { Checkpoint } from './checkpoint.ts'
import { type ModelMemory, memoryOf } from './memory.ts'
import type { ModelWeights } from './mistral.ts'
import type { SizeOptions } from './size-types.ts'
import type { Sizes } from './sizes.ts'

/** Without `maxMemory` a cache may take this share of the weights' bytes: who has room for those has a little more. */
const CACHE_SHARE = 0.25
/** A context that was not asked for is a multiple of it, unless it is the model's own. */
const ROUND = 256
/** A context below this is of no use to a chat: it is an error rather than what `'auto'` takes. */
const LEAST = 256

export interface PlanOptions extends SizeOptions {
  readonly signal?: AbortSignal | undefined
}

/** What is planned. */
export interface Planned {
  /** Its limits and features count; nothing is allocated there. */
  readonly gpu: Gpu
  readonly checkpoint: Checkpoint
  readonly options: PlanOptions
  /** The code of loading. It is handed over, since an import from here would cut the bundle of every page into more pieces. */
  readonly code: Allocation
}

/** What a load takes with one context. */
export interface Count {
  readonly sizes: Sizes
  readonly memory: ModelMemory
  /** What the device, or `maxMemory`, does not hold; weights before cache, cache before workspace. */
  readonly refused: readonly MemoryError[]
}

/** Counts what a checkpoint takes on a device with some options, at any context. */
export class Planner {
  private readonly counts = new Map<number, Count>()

  private constructor(
    readonly planned: Planned,
    private readonly weights: ModelWeights,
    private readonly weighed: Ledger,
  ) {}

  /** @throws ParameterError, ConfigError, CheckpointError, AbortError */
  static async create(planned: Planned): Promise<Planner> {
    const { gpu, checkpoint, options, code } = planned
    code.planSizes(checkpoint.config, options)
    const ledger = ledgerOf(gpu)
    const { weights: dtype = 'native', signal } = options
    const weights = await code.loadWeights(ledger, checkpoint, { weights: dtype, signal, onlySizes: true })
    return new Planner(planned, weights, ledger)
  }

  /** What the load takes with this context. */
  at(contextLength: number): Count {
    const known = this.counts.get(contextLength)
    if (known !== undefined) return known
    const { weights, weighed } = this
    const { gpu, checkpoint, options, code } = this.planned
    const { config, totalBytes: tensors } = checkpoint
    const sizes = code.planSizes(config, { ...options, contextLength })
    const ledger = ledgerOf(gpu)
    const { cache, workspace } = code.createState(ledger, config, sizes, options.kvCache)
    code.createRunner(new code.Mistral(ledger, config, weights, cache, workspace), sizes)
    // What kernels bring along with some types of weights: the grids of IQ types.
    for (const weight of matricesOf(weights)) code.weightParts(ledger, weight)
    const total = weighed.counters.bytesAlive + ledger.counters.bytesAlive
    const memory = memoryOf(weights, cache, { tensors, maxSequences: sizes.maxSequences, adapters: 0, total })
    const count = { sizes, memory, refused: [...weighed.refused, ...ledger.refused, ...overBudget(total, options)] }
    this.counts.set(contextLength, count)
    return count
  }

  /** The most positions that the device and `maxMemory` hold; 0 where there are none. */
  get largest(): number {
    return this.most((count) => count.refused.length === 0)
  }

  /** The context that is loaded, by the option or by the rule of `'auto'`, whether it fits or not. */
  chosen(): Count {
    const { options, checkpoint, code } = this.planned
    const trained = checkpoint.config.maxPositions
    if (!code.isAutoContext(options)) return this.at(options.contextLength as number)
    const usual = Math.min(trained, code.USUAL_CONTEXT)
    const held = this.largest
    const wanted = Math.max(usual, options.maxMemory === undefined ? this.affordable(usual) : trained)
    const context = rounded(Math.min(held, wanted), trained)
    if (context < Math.min(LEAST, trained)) return this.at(Math.min(LEAST, trained))
    const count = this.at(context)
    if (context === trained) return count
    return { ...count, sizes: { ...count.sizes, contextLimit: held < wanted ? this.holder(held) : 'default' } }
  }

  /** The most positions whose cache stays within its share of the weights, or is no larger than that of the usual context. */
  private affordable(usual: number): number {
    const { cache, weights } = this.at(usual).memory
    const budget = Math.max(cache, CACHE_SHARE * weights)
    return this.most(({ memory }) => memory.cache <= budget)
  }

  /** What does not let the context grow. */
  private holder(largest: number): 'device' | 'memory' {
    const { refused } = this.at(largest + 1)
    return refused.every(({ limitName }) => limitName === 'maxMemory') ? 'memory' : 'device'
  }

  /** The largest context of which something holds that holds for all smaller ones; 0 where it holds for none. */
  private most(holds: (count: Count) => boolean): number {
    let [low, high] = [0, this.planned.checkpoint.config.maxPositions]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (holds(this.at(middle))) low = middle
      else high = middle - 1
    }
    return low
  }
}

function matricesOf({ tokEmbeddings, layers, output }: ModelWeights) {
  const inner = layers.flatMap(({ wqkv, wo, w13, w2 }) => [...wqkv, ...wo, ...w13, ...w2])
  return new Set([...tokEmbeddings, ...output, ...inner])
}

function overBudget(total: number, { maxMemory }: PlanOptions): MemoryError[] {
  if (maxMemory === undefined || total <= maxMemory) return []
  return [new MemoryError('the model', total, maxMemory, undefined, undefined, 'maxMemory')]
}

function rounded(context: number, trained: number): number {
  return context === trained || context < ROUND ? context : Math.floor(context / ROUND) * ROUND
}
