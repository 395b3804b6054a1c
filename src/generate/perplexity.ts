/** How well a model predicts a text, by the published methods. It is loaded by those who measure it. */
import {
  abortSignal,
  type Checks,
  callback,
  checkOptions,
  checkParameter,
  filledText,
  integer,
  oneOf,
  orElse,
} from '../checks.ts'
import { ParameterError } from '../errors.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

export interface PerplexityOptions {
  /**
   * `'strided'` (default) is the sliding window of Hugging Face's guide: windows begin `stride` tokens apart, and of each only
   * tokens count that no window before has counted. `'llama.cpp'` cuts the text in windows that do not overlap, begins each
   * with BOS where the vocabulary has it so, and counts the second half of each.
   */
  method?: 'strided' | 'llama.cpp' | undefined
  /** Tokens of a window, 2 to `contextLength`. Default: `contextLength`, with `'llama.cpp'` 512 if that is less. */
  window?: number | undefined
  /** Tokens from one window to the next, 1 to `window`. Default: half of `window`. `'llama.cpp'` has none of its own. */
  stride?: number | undefined
  /** The name of the adapter to measure with. Default: none. */
  adapter?: string | null | undefined
  signal?: AnyAbortSignal | undefined
  /** Called after each piece of work with the windows that are done, those there are, and the perplexity so far. */
  onProgress?: ((progress: PerplexityProgress) => void) | undefined
}

export interface PerplexityProgress {
  readonly windows: number
  readonly total: number
  /** The value for what was counted until now; undefined before anything was. */
  readonly perplexity: number | undefined
}

/** How well a model predicts a text. */
export interface Perplexity {
  /** exp(`nll`). */
  readonly perplexity: number
  /** The standard error of `perplexity`: that of `nll` times `perplexity`. */
  readonly perplexityError: number
  /** Mean negative log-likelihood of the counted tokens, in nats per token. */
  readonly nll: number
  /** The standard error of `nll`, taking tokens for independent. */
  readonly nllError: number
  /**
   * `nll` in bits for each byte of the text in UTF-8: comparable between vocabularies. Where not all tokens were counted, the
   * others are taken to cost as much. undefined when token ids were given.
   */
  readonly bitsPerByte: number | undefined
  /** Tokens that were counted, each once. */
  readonly countedTokens: number
  /** Tokens of the text, BOS among them. */
  readonly tokens: number
  readonly windows: number
  readonly method: 'strided' | 'llama.cpp'
  readonly window: number
  readonly stride: number
}

const OPTIONS: Checks<PerplexityOptions> = {
  method: oneOf('strided', 'llama.cpp'),
  window: integer(2),
  stride: integer(1),
  adapter: orElse(null, filledText),
  signal: abortSignal,
  onProgress: callback,
}

/** The default of llama.cpp's program. */
const LLAMA_WINDOW = 512

/** Part of a text that the model reads by itself. */
interface Window {
  /** The first token that it reads, and the one behind the last. */
  readonly begin: number
  readonly end: number
  /** The first token that counts; those behind it do, too. */
  readonly first: number
}

/** The text to measure: its tokens, how they are cut, and what the result says of that. */
export interface Measurement extends Pick<Perplexity, 'method' | 'window' | 'stride'> {
  readonly ids: readonly number[]
  readonly windows: readonly Window[]
  /** The token that stands for the first one of each window; undefined: the token itself. */
  readonly bos: number | undefined
  /** Tokens of the text for each of its bytes; undefined where there is no text. */
  readonly tokensPerByte: number | undefined
}

/**
 * Checks the options and cuts the text into windows.
 * @throws ParameterError also for a text of fewer than two tokens, or too short for a window of `'llama.cpp'`
 */
export function planPerplexity(
  input: string | readonly number[],
  options: PerplexityOptions,
  model: { readonly contextLength: number; readonly tokenizer: Tokenizer | undefined },
): Measurement {
  checkOptions<PerplexityOptions>(options, OPTIONS)
  const { contextLength, tokenizer } = model
  const { method = 'strided' } = options
  const isLlama = method === 'llama.cpp'
  const window = options.window ?? Math.min(contextLength, isLlama ? LLAMA_WINDOW : contextLength)
  checkParameter('window', window, integer(2, contextLength))
  if (isLlama && options.stride !== undefined && options.stride !== window) {
    throw new ParameterError('stride', options.stride, `is for 'strided': windows of 'llama.cpp' do not overlap`)
  }
  const stride = isLlama ? window : (options.stride ?? Math.floor(window / 2))
  checkParameter('stride', stride, integer(1, window))
  const { ids, tokensPerByte } = tokensOf(input, tokenizer)
  const windows = isLlama ? separateWindows(ids.length, window) : stridedWindows(ids.length, window, stride)
  if (windows.length === 0) {
    const least = isLlama ? `one window, ${window}` : '2'
    throw new ParameterError('text', input, `has ${ids.length} tokens; ${least} at least are needed`)
  }
  const bos = isLlama && tokenizer?.addsBos ? tokenizer.bosId : undefined
  return { ids, windows, bos, tokensPerByte, method, window, stride }
}

function tokensOf(input: string | readonly number[], tokenizer: Tokenizer | undefined) {
  if (typeof input !== 'string') return { ids: input, tokensPerByte: undefined }
  if (tokenizer === undefined) {
    throw new ParameterError('text', input, 'must be token ids: the model was loaded without a tokenizer')
  }
  const ids = tokenizer.encode(input, { bos: tokenizer.addsBos })
  const own = ids.length - (tokenizer.addsBos && tokenizer.bosId !== undefined ? 1 : 0)
  return { ids, tokensPerByte: own / new TextEncoder().encode(input).byteLength }
}

/** https://huggingface.co/docs/transformers/perplexity: the first token of a text has nothing to be predicted from. */
function stridedWindows(length: number, window: number, stride: number): Window[] {
  const windows: Window[] = []
  let counted = 0
  for (let begin = 0; counted < length; begin += stride) {
    const end = Math.min(begin + window, length)
    const first = Math.max(counted, begin + 1)
    if (first < end) windows.push({ begin, end, first })
    counted = end
  }
  return windows
}

/** llama.cpp, tools/perplexity: what is left over at the end is not read. */
function separateWindows(length: number, window: number): Window[] {
  return Array.from({ length: Math.floor(length / window) }, (_, i) => {
    const begin = i * window
    return { begin, end: begin + window, first: begin + Math.floor(window / 2) + 1 }
  }).filter(({ first, end }) => first < end)
}

/** A measurement on its way: `step` computes the next chunk. */
export class PerplexityRun {
  private readonly sums = { count: 0, nll: 0, squares: 0 }
  /** The window that is read, and how far. */
  private index = 0
  private done = 0

  constructor(
    private readonly loaded: LoadedModel,
    private readonly plan: Measurement,
    private readonly onProgress: PerplexityOptions['onProgress'],
  ) {}

  /** Computes one chunk in a sequence that nobody else uses meanwhile. True when all windows are done. */
  async step(sequence: number): Promise<boolean> {
    const { windows, ids, bos } = this.plan
    const { begin, end, first } = windows[this.index]!
    if (this.done === 0) {
      const tokens = ids.slice(begin, end)
      if (bos !== undefined) tokens[0] = bos
      this.loaded.runner.writeTokens(sequence, 0, tokens)
    }
    // The last token is there to be predicted alone.
    const count = Math.min(this.loaded.chunk, end - 1 - begin - this.done)
    const scored = Math.min(count, Math.max(0, begin + this.done + count + 1 - first))
    const scorer = await this.loaded.textScorer()
    for (const logprob of await scorer.score({ sequence, first: this.done, count, scored })) this.add(-logprob)
    this.done += count
    if (begin + this.done === end - 1) {
      this.index++
      this.done = 0
    }
    const perplexity = this.sums.count === 0 ? undefined : Math.exp(this.sums.nll / this.sums.count)
    this.onProgress?.({ windows: this.index, total: windows.length, perplexity })
    return this.index === windows.length
  }

  private add(nll: number): void {
    this.sums.count++
    this.sums.nll += nll
    this.sums.squares += nll * nll
  }

  result(): Perplexity {
    const { count, squares } = this.sums
    const { method, window, stride, ids, windows, tokensPerByte } = this.plan
    const nll = this.sums.nll / count
    // Rounding may leave less than nothing where all tokens cost the same.
    const variance = Math.max(0, squares / count - nll * nll)
    const nllError = Math.sqrt(variance / Math.max(1, count - 1))
    const perplexity = Math.exp(nll)
    return {
      perplexity,
      perplexityError: perplexity * nllError,
      nll,
      nllError,
      bitsPerByte: tokensPerByte === undefined ? undefined : (nll / Math.LN2) * tokensPerByte,
      countedTokens: count,
      tokens: ids.length,
      windows: windows.length,
      ...{ method, window, stride },
    }
  }
}
