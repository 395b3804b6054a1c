/** The result of the benchmark: the object that `--json` prints. */
import type { ModelMemory } from '../../model/memory.ts'

export interface BenchReport {
  readonly runtime: string
  readonly adapter: AdapterFacts
  readonly model: ModelFacts
  readonly bandwidth: Bandwidth
  /** One row for each length of context. */
  readonly contexts: readonly ContextResult[]
  /** Lengths of the default list that would have taken too long here, or that the model does not reach. */
  readonly skipped_contexts: readonly { readonly context: number; readonly reason: string }[]
  readonly per_token: PerToken
  readonly js: JsCosts
  /** Only with `--kernels`. */
  readonly kernels?: readonly KernelResult[]
  /** Only with `--profile`. */
  readonly profile?: ProfileReport
}

/** Times by the GPU's own clock. */
export interface ProfileReport {
  /** The trace file. */
  readonly file: string
  /** Tokens of the prompt, and tokens that were decoded after it. */
  readonly context: number
  readonly tokens: number
  /** Of the prompt as a whole, and of one decoded token, the slowest first. */
  readonly prefill: readonly ProfiledKernel[]
  readonly decode: readonly ProfiledKernel[]
}

export interface ProfiledKernel {
  /** `wqkv` of all layers, `attention`, … */
  readonly name: string
  readonly dispatches: number
  readonly ms: number
  /** Of the time of all kernels. */
  readonly share: number
  /** Weights, or keys and values, that one token reads; null for kernels that read neither. */
  readonly bytes: number | null
  /** Of the yardstick; null where bytes are. For prompts it says nothing, since a chunk reads them once for many tokens. */
  readonly bandwidth_fraction: number | null
  /** Products of matrices alone. */
  readonly gflops: number | null
}

export interface AdapterFacts {
  readonly name: string
  /** It computes on the CPU: its times say nothing about a GPU. */
  readonly software: boolean
  /** Optional features in use. */
  readonly features: readonly string[]
  readonly disabled: readonly string[]
  readonly subgroup_lanes: number
}

export interface ModelFacts {
  /** The folder, file or URL; or the shape whose random weights were used. */
  readonly source: string
  readonly random_weights: boolean
  readonly layers: number
  readonly dim: number
  readonly vocab: number
  /** How the matrices lie on the GPU, most bytes first. */
  readonly weights: readonly string[]
  readonly kv_cache: string
  readonly context_length: number
  /** All buffers: weights, cache, workspace. */
  readonly gpu_bytes: number
  /** The same by what they are for. */
  readonly memory: ModelMemory
  readonly load_ms: number
}

/** The yardstick: how fast this adapter reads a buffer that is too large for its caches. */
export interface Bandwidth {
  /** 10⁹ bytes per second, of the best number of threads. */
  readonly gb_per_s: number
  readonly buffer_bytes: number
  readonly threads: number
}

export interface ContextResult {
  /** Tokens of the prompt. */
  readonly context: number
  readonly prefill_tokens_per_second: number
  /** Median of `runs`. */
  readonly prefill_ms: number
  readonly runs: number
  readonly decode_tokens_per_second: number
  /** Median of `decoded_tokens`. */
  readonly decode_ms: number
  readonly decoded_tokens: number
  readonly weight_bytes_per_token: number
  /** The time of a token in the middle of those that were decoded. */
  readonly cache_bytes_per_token: number
  /** Weights and cache, 10⁹ bytes per second. */
  readonly gb_per_s: number
  /** Of the yardstick. */
  readonly bandwidth_fraction: number
  /** Median time of a decoded token in JavaScript up to the end of its submit. */
  readonly js_ms: number
}

/** Averages over all decoded tokens of the measured runs, from the device's own counters. */
export interface PerToken {
  readonly tokens: number
  readonly dispatches: number
  readonly dispatches_per_layer: number
  /** Embedding, last norm and output projection. */
  readonly dispatches_outside_layers: number
  readonly passes: number
  readonly submits: number
  readonly readbacks: number
  readonly buffers_created: number
  readonly bind_groups_created: number
  readonly pipelines_created: number
  /** The three above together. */
  readonly gpu_objects_created: number
}

export interface JsCosts {
  /** The model of this report on its adapter: from the request for a token to the end of its submit. */
  readonly adapter: JsCost
  /** A tiny model of random weights on Dawn's null backend, which executes nothing. */
  readonly null_backend: NullCost | null
  /** Why there is no null backend here. */
  readonly null_backend_missing?: string
}

export interface JsCost {
  readonly layers: number
  readonly dispatches: number
  /** Upload of the metadata, encoding, submit. Median. */
  readonly ms_per_token: number
  readonly us_per_dispatch: number
}

export interface NullCost extends JsCost {
  /** One token in ten takes no longer. Far below the median, it tells of a machine that is busy with other work. */
  readonly p10_ms_per_token: number
  /** From the request to the logits in JavaScript, waiting for the event loop included. */
  readonly step_ms: number
}

export interface KernelResult {
  /** Of the model: `wqkv`, `wo`, `w13`, `w2`, `output`. */
  readonly name: string
  readonly dtype: string
  /** Outputs. */
  readonly rows: number
  /** Inputs. */
  readonly cols: number
  /** Rows of the batch. */
  readonly T: number
  /** Median of one dispatch. */
  readonly ms: number
  readonly gflops: number
  /** Weights once, activations in and out once: 10⁹ bytes per second. */
  readonly gb_per_s: number
}
