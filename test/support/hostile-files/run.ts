/** Opens one changed model, adapter or vocabulary, and says how that ended and what it took. */
import { MistralError } from '../../../src/errors.ts'
import type { Bytes } from './bytes.ts'
import type { Format, Sample } from './formats.ts'
import { mutate } from './mutate.ts'
import { OPENERS } from './open.ts'
import { Random } from './random.ts'

export interface Outcome {
  /** undefined when it was opened; else the class of the error. */
  readonly error: string | undefined
  readonly message: string
  /** What no file may bring about: an error of another kind, or a message that nobody can read. */
  readonly fault: string | undefined
  /** The processor's time, in ms. */
  readonly cpu: number
  /** What the heap and the memory outside of it grew by, in bytes: garbage counts where nobody collected it. */
  readonly memory: number
}

/** A message is for people. */
const MOST_MESSAGE = 2000

/** The same files for the same number. */
export function changedSample(format: Format, index: number): Sample {
  const random = new Random(index)
  const sample = format.samples[index % format.samples.length]!
  const files = new Map(sample.files)
  for (let i = random.pick([1, 1, 1, 1, 2]); i > 0; i--) {
    const name = random.pick(sample.hurt)
    const end = name.slice(name.lastIndexOf('.'))
    const others = random.pick(format.samples).files
    const other = [...others].find(([name]) => name.endsWith(end))?.[1] ?? files.get(name)!
    files.set(name, mutateOnce(name, sample.files.get(name)!, random, other))
  }
  return { ...sample, files }
}

function mutateOnce(name: string, bytes: Bytes, random: Random, other: Bytes): Bytes {
  return random.chance(0.01) ? new Uint8Array(random.below(3)) : mutate(name, bytes, random, other)
}

export async function runOne(format: Format, index: number): Promise<Outcome> {
  const sample = changedSample(format, index)
  const memory = held()
  const start = process.cpuUsage()
  const error = await OPENERS[format.opener](sample).then(
    () => undefined,
    (thrown: unknown) => thrown ?? new Error('undefined was thrown'),
  )
  const { user, system } = process.cpuUsage(start)
  return { ...verdict(error), cpu: (user + system) / 1000, memory: held() - memory }
}

function held(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function verdict(error: unknown): Pick<Outcome, 'error' | 'message' | 'fault'> {
  if (error === undefined) return { error: undefined, message: '', fault: undefined }
  if (!(error instanceof MistralError)) return { error: 'other', message: String(error), fault: stackOf(error) }
  const { name, message } = error
  const fault =
    message.length > MOST_MESSAGE ? `a message of ${message.length} characters: ${message.slice(0, 200)}` : undefined
  return { error: name, message, fault }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)).slice(0, 1500) : String(error)
}
