/** The ids and biases of a request as the sampler's shaders read them. It is loaded for requests that have some. */
import { ParameterError } from '../errors.ts'
import { SAMPLER_SETTINGS as Layout } from '../gpu/shaders.gen.ts'
import type { PackLists } from './packed-params.ts'
import type { SamplerParams } from './sampler-params.ts'

/** All lists of a request. @throws ParameterError naming the parameter whose lists do not fit */
export const packLists: PackLists = (settings, params, eos) => {
  const lists = new Uint32Array(Layout.LIST_WORDS)
  let used = 0
  const add = (parameter: keyof SamplerParams, at: number, list: WordList) => {
    // Before anything is written: a request may hold millions of ids.
    if (used + list.words > Layout.LIST_WORDS) {
      throw new ParameterError(
        parameter,
        params[parameter],
        `does not fit: the ids and biases of a request take at most ${Layout.LIST_WORDS} words on the GPU, and with this ` +
          `parameter they would take ${used + list.words}`,
      )
    }
    settings[at] = used
    settings[at + 1] = list.count
    list.write(lists, used)
    used += list.words
  }
  const biases = new Map(Object.entries(params.logit_bias).map(([id, bias]) => [Number(id), floatBits(bias)]))
  add('logit_bias', Layout.BIASES, { ...flat([...biases].flat()), count: biases.size })
  // A sequence that is given twice counts once, with its last bias, at its first place.
  const biased = new Map(params.sequence_bias.map((entry) => [entry[0].join(), entry]))
  add('sequence_bias', Layout.BIASED, grouped([...biased.values()]))
  const badWords = params.bad_words_ids.filter((ids) => ids.length > 1)
  add('bad_words_ids', Layout.WORDS, grouped(badWords.map((ids) => [ids, 0])))
  add('stop_token_ids', Layout.ENDS, flat([...eos, ...params.stop_token_ids]))
  const bans = new Set<number>()
  for (const ids of params.bad_words_ids) if (ids.length === 1 && !eos.includes(ids[0]!)) bans.add(ids[0]!)
  for (const id of params.suppress_tokens) bans.add(id)
  add(params.suppress_tokens.length > 0 ? 'suppress_tokens' : 'bad_words_ids', Layout.BANS, flat([...bans]))
  return lists.slice(0, used)
}

/** A list that has not been written yet. */
interface WordList {
  readonly count: number
  readonly words: number
  write(into: Uint32Array, at: number): void
}

function flat(items: readonly number[]): WordList {
  return { count: items.length, words: items.length, write: (into, at) => into.set(items, at) }
}

/**
 * Sequences in groups of one last id, so that one thread adds up what belongs to one score, in the order of the list:
 * first where each group starts, then the groups: [last id, entries, then per entry: ids before the last, bias, these].
 */
function grouped(sequences: readonly (readonly [ids: readonly number[], bias: number])[]): WordList {
  const groups = new Map<number, (readonly [ids: readonly number[], bias: number])[]>()
  let words = 0
  for (const entry of sequences) {
    const ids = entry[0]
    const id = ids[ids.length - 1]!
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [entry])
    else group.push(entry)
    words += group === undefined ? ids.length + 4 : ids.length + 1
  }
  const write = (into: Uint32Array, start: number) => {
    let at = start + groups.size
    for (const [i, [id, entries]] of [...groups].entries()) {
      into[start + i] = at
      into[at++] = id
      into[at++] = entries.length
      for (const [ids, bias] of entries) {
        into[at++] = ids.length - 1
        into[at++] = floatBits(bias)
        for (let k = 0; k + 1 < ids.length; k++) into[at++] = ids[k]!
      }
    }
  }
  return { count: groups.size, words, write }
}

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

function floatBits(value: number): number {
  float[0] = value
  return bits[0]!
}
