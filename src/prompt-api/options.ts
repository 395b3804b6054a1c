/** The options of the Prompt API, as its draft names them, and what they ask of the model. */
import type { SamplingInput } from '../sampling/request-params.ts'
import type { MonitorCallback } from './create-monitor.ts'
import { notSupported } from './errors.ts'
import type { ContentType, LanguageModelMessage } from './messages.ts'

export type Availability = 'unavailable' | 'downloadable' | 'downloading' | 'available'

/** What goes in, or comes out. */
export interface Expected {
  readonly type: ContentType
  /** BCP 47. The model is given no other text for them, and none is refused. */
  readonly languages?: readonly string[] | undefined
}

export interface LanguageModelTool {
  readonly name: string
  readonly description: string
  /** JSON schema of the arguments. */
  readonly inputSchema: object
  /** Called with the arguments when the model calls the tool. Without it the calls are the answer. */
  readonly execute?: ((args: never) => unknown) | undefined
}

export type SamplingMode =
  | 'most-predictable'
  | 'predictable'
  | 'slightly-predictable'
  | 'balanced'
  | 'slightly-creative'
  | 'creative'
  | 'most-creative'

export interface Thinking {
  readonly effort?: 'none' | 'low' | 'medium' | 'high' | undefined
  /** Answers are parts then, and thoughts are among them. Default false. */
  readonly includeThoughts?: boolean | undefined
}

export interface CreateCoreOptions {
  readonly topK?: number | undefined
  readonly temperature?: number | undefined
  readonly samplingMode?: SamplingMode | undefined
  readonly thinking?: Thinking | undefined
  readonly expectedInputs?: readonly Expected[] | undefined
  readonly expectedOutputs?: readonly Expected[] | undefined
  readonly tools?: readonly LanguageModelTool[] | undefined
}

export interface CreateOptions extends CreateCoreOptions {
  /** Ends the creation, and destroys the session when it is there. */
  readonly signal?: AbortSignal | undefined
  readonly monitor?: MonitorCallback | undefined
  /** They are never dropped when the context overflows. */
  readonly initialPrompts?: readonly LanguageModelMessage[] | undefined
}

export interface AppendOptions {
  readonly signal?: AbortSignal | undefined
}
export type CloneOptions = AppendOptions

export interface PromptOptions extends AppendOptions {
  /** A JSON schema, or a `RegExp` that the whole answer matches. */
  readonly responseConstraint?: object | undefined
  /** The prompt never tells of the constraint, with this or without. */
  readonly omitResponseConstraintInput?: boolean | undefined
  readonly thinking?: Thinking | undefined
}

/** The limits of `params()`. */
export const PARAMS = { defaultTopK: 50, maxTopK: 1000, defaultTemperature: 1, maxTemperature: 2 } as const

/** What the modes ask of the sampler. `balanced` is what every request without parameters gets. */
const MODES: Readonly<Record<SamplingMode, SamplingInput>> = {
  'most-predictable': { do_sample: false },
  predictable: { temperature: 0.4 },
  'slightly-predictable': { temperature: 0.7 },
  balanced: {},
  'slightly-creative': { temperature: 1.15 },
  creative: { temperature: 1.3 },
  'most-creative': { temperature: 1.5, top_p: 1, top_k: 0 },
}
const EFFORTS = ['none', 'low', 'medium', 'high']
/** Tokens of a thought; at `high` it ends when the model ends it. */
const BUDGETS: Readonly<Record<string, number>> = { low: 256, medium: 1024 }

/** The sampler's part of a session's options, checked. */
export interface Sampling {
  readonly input: SamplingInput
  readonly mode: SamplingMode | null
  readonly topK: number
  readonly temperature: number
}

/** @throws TypeError, RangeError */
export function samplingOf({ topK, temperature, samplingMode }: CreateCoreOptions): Sampling {
  if (samplingMode !== undefined && !Object.hasOwn(MODES, samplingMode)) {
    throw new TypeError(`samplingMode must be one of ${Object.keys(MODES).join(', ')}`)
  }
  const raw = topK !== undefined || temperature !== undefined
  if (raw && samplingMode !== undefined) throw new TypeError('samplingMode excludes topK and temperature')
  if (temperature !== undefined && !(temperature >= 0)) throw new RangeError('temperature must be 0 or above')
  if (topK !== undefined && !(topK >= 1)) throw new RangeError('topK must be 1 or above')
  const mode = samplingMode ?? 'balanced'
  const input = raw
    ? {
        ...(temperature !== undefined && { temperature: Math.min(temperature, PARAMS.maxTemperature) }),
        ...(topK !== undefined && { top_k: Math.floor(Math.min(topK, PARAMS.maxTopK)) }),
      }
    : MODES[mode]
  return {
    input,
    mode: raw ? null : mode,
    topK: input.top_k || PARAMS.defaultTopK,
    temperature: input.temperature ?? (input.do_sample === false ? 0 : PARAMS.defaultTemperature),
  }
}

/** Whether `create()` would take the numbers. @throws TypeError */
export function samplesInRange(options: CreateCoreOptions): boolean {
  try {
    samplingOf(options)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** What `thinking` asks of the model. @throws TypeError */
export function thinkingOf({ effort, includeThoughts = false }: Thinking = {}) {
  if (effort !== undefined && !EFFORTS.includes(effort)) {
    throw new TypeError(`thinking.effort must be one of ${EFFORTS.join(', ')}`)
  }
  const thinks = effort !== undefined && effort !== 'none'
  const budget = thinks ? BUDGETS[effort] : undefined
  return {
    includeThoughts: Boolean(includeThoughts),
    request: {
      ...(thinks && { reasoning_effort: 'auto' }),
      ...(budget !== undefined && { max_reasoning_tokens: budget }),
    },
  }
}

const INPUTS: readonly string[] = ['text', 'tool-call', 'tool-response']
const OUTPUTS: readonly string[] = ['text', 'tool-call']
const TYPES: readonly string[] = ['text', 'image', 'audio', 'tool-call', 'tool-response']

/**
 * @returns why the model cannot do what is expected; undefined when it can
 * @throws TypeError, RangeError for what no model could do
 */
export function unexpected({ expectedInputs = [], expectedOutputs = [], tools = [] }: CreateCoreOptions) {
  let fault: string | undefined
  for (const [list, known] of [
    [expectedInputs, INPUTS],
    [expectedOutputs, OUTPUTS],
  ] as const) {
    for (const { type, languages = [] } of list) {
      if (!TYPES.includes(type)) throw new TypeError(`"${type}" is no type of content`)
      // Throws a RangeError for what is no language tag.
      const strange = Intl.getCanonicalLocales([...languages]).find((tag) => !isLanguage(tag))
      if (strange !== undefined) fault ??= `the language "${strange}" is not known`
      if (!known.includes(type)) fault ??= `content of the type "${type}" is not supported`
    }
  }
  const open = tools.some(({ execute }) => execute === undefined)
  if (open && !expectedOutputs.some(({ type }) => type === 'tool-call')) {
    throw new TypeError('tools without execute() need expectedOutputs with the type "tool-call"')
  }
  return fault === undefined ? undefined : notSupported(fault)
}

/** Tags can be well formed and stand for nothing. */
function isLanguage(tag: string): boolean {
  const names = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' })
  return names.of(new Intl.Locale(tag).language) !== undefined
}
