/** What contestants are asked, and what they answer. */

/** y = x · wᵀ for random 4-bit weights in blocks of 32; x goes in from JavaScript, and y comes back to it. */
export interface ProductJob {
  readonly kind: 'product'
  /** Outputs. */
  readonly rows: number
  /** Inputs. */
  readonly cols: number
  readonly T: number
  /** One after another; the answer is of one. */
  readonly times: number
}

/** Answers a prompt of so many random tokens with so many, greedily, whatever they are. */
export interface ModelJob {
  readonly kind: 'model'
  readonly prompt: number
  readonly tokens: number
}

export type Job = ProductJob | ModelJob

/** Milliseconds by what was measured: `product`; `first` (to the first token), `decode` (from one token to the next). */
export type Times = Readonly<Record<string, number>>

/** An engine in a process of its own. */
export interface Contestant {
  /** Library, version, and what it runs on. */
  readonly name: string
  run(job: Job): Promise<Times>
}

export interface OpenOptions {
  /** A GGUF, or a folder; undefined where only products are asked for. */
  readonly model?: string | undefined
  /** Where a user's own copy of a peer lies, for those that are not in the package. */
  readonly library?: string | undefined
}

/** The shape of Mistral 7B with two layers: all matrices have their real sizes, and a machine without a GPU can hold it. */
export const SLICE = {
  layers: 2,
  dim: 4096,
  hidden: 14_336,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  vocab: 32_000,
} as const

/** Ids that are unlike those of the runs before, so that nothing comes from a cache. */
export function promptIds(length: number, salt: number): number[] {
  return [1, ...Array.from({ length: length - 1 }, (_, i) => 300 + ((i * 7919 + salt * 104_729) % 400))]
}

/** The times of the tokens of an answer, as a job's answer. */
export function timesOf(start: number, arrivals: readonly number[]): Times {
  const [first, last] = [arrivals[0]!, arrivals.at(-1)!]
  if (arrivals.length < 2) return { first: first - start }
  return { first: first - start, decode: (last - first) / (arrivals.length - 1) }
}

/** A peer, where `npm install --prefix bench/peers --ignore-scripts` has put it: the project does not have its types. */
// biome-ignore lint/suspicious/noExplicitAny: what a peer exports is known to its contestant alone
export async function peer(name: string): Promise<any> {
  try {
    return await import(name)
  } catch (cause) {
    const advice = 'npm install --prefix bench/peers --ignore-scripts'
    throw new Error(`${name} does not load here: ${(cause as Error).message}; ${advice} installs it`, { cause })
  }
}
