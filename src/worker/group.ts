/** The tabs that share one model: by what they are told apart, and what they tell each other. */
import pkg from '../../package.json' with { type: 'json' }
import { ParameterError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { LoadProgress } from '../model/load-progress.ts'

/** Of this library: tabs share a model with tabs of the same only. */
export const VERSION = pkg.version

/** On the channel that all of a group hear. */
export type GroupMessage =
  /** A tab asks the model to listen on a channel of their own, which the model answers with its facts. */
  | { readonly op: 'hello'; readonly member: string; readonly port: string }
  /** The tab that led is gone, and another has begun to load. */
  | { readonly op: 'gone'; readonly next: string }
  /** How far it is. */
  | { readonly op: 'progress'; readonly progress: LoadProgress }
  /** The model of this time of leading answers. */
  | { readonly op: 'leading'; readonly term: string }

export const leaderLock = (group: string) => `${group} leader`
/** A shared worker has the lock of its own name as long as it lives. */
export const hostLock = (term: string) => `mistral-webgpu worker ${term}`
export const memberLock = (group: string, member: string) => `${group} ${member}`

/**
 * The name of the group. Tabs are in one group when the version of the library, the name that they were given, the source
 * and all options are the same. The name is a digest: one of the options may be a token of the Hub.
 * @param shared the option of that name
 * @throws ParameterError for a source that another tab cannot know to be the same, and for options that are functions
 */
export async function groupOf(shared: true | string, source: ModelSource, options: object): Promise<string> {
  const facts = JSON.stringify([VERSION, shared, sourceFacts(shared, source), options], inOrder)
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(facts))
  const hex = [...new Uint8Array(hash, 0, 12)].map((byte) => byte.toString(16).padStart(2, '0'))
  return `mistral-webgpu ${hex.join('')}`
}

function sourceFacts(shared: true | string, source: unknown): unknown {
  if (typeof source === 'string') return source
  if (source instanceof URL) return source.href
  if (shared === true) {
    const fact = 'needs a source with an address or a name; for others say by a name of your own what is the same'
    throw new ParameterError('shared', shared, fact)
  }
  const { kind, name, size, lastModified, item } = (source ?? {}) as Record<string, unknown>
  // A `FileList` is no array.
  const isList = Array.isArray(source) || typeof item === 'function'
  if (isList) return Array.from(source as ArrayLike<unknown>, (one) => sourceFacts(shared, one))
  return { kind, name, size, lastModified }
}

/** Objects with the same fields are the same text. */
function inOrder(name: string, value: unknown): unknown {
  if (typeof value === 'function') throw new ParameterError(name, value, 'is a function, which tabs cannot share')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
