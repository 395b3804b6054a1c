import { describe, expect, test } from 'vitest'
import { ParameterError } from '../../src/errors.ts'
import { SAMPLER_SETTINGS } from '../../src/gpu/shaders.gen.ts'
import { packLists } from '../../src/sampling/packed-lists.ts'
import { hasLists, packSettings } from '../../src/sampling/packed-params.ts'
import { parseRequestParams, type SamplingInput } from '../../src/sampling/request-params.ts'
import { checkTokenIds } from '../../src/sampling/sampler-params.ts'

const CONTEXT = { promptLength: 4, eosTokenId: [2], seed: 5 }
const pack = (input: SamplingInput) => packSettings(parseRequestParams(input).sampler, CONTEXT, packLists)

describe('packSettings', () => {
  test.each<[SamplingInput, boolean]>([
    [{}, false],
    [{ top_p: 0.5, min_p: 0.1, typical_p: 0.5, do_sample: false }, false],
    [{ min_length: 4 }, false],
    [{ min_length: 5 }, true],
    [{ min_new_tokens: 1 }, true],
    [{ bad_words_ids: [[2]] }, false],
    [{ bad_words_ids: [[3]] }, true],
    [{ repetition_penalty: 1.1 }, true],
    [{ no_repeat_ngram_size: 3 }, true],
    [{ presence_penalty: -1 }, true],
    [{ logit_bias: { 4: 1 } }, true],
    [{ sequence_bias: [[[4, 5], 1]] }, true],
    [{ suppress_tokens: [1] }, true],
  ])('%j: rules on the history %s', (input, rules) => {
    const packed = pack(input)
    expect(packed.rules).toBe(rules)
    expect(packed.settings.length).toBe(SAMPLER_SETTINGS.SETTINGS_WORDS)
    // Without lists, the packer of lists makes no difference.
    const params = parseRequestParams(input).sampler
    if (!hasLists(params)) expect(packSettings(params, CONTEXT)).toEqual(packed)
  })

  test.each<[SamplingInput, boolean]>([
    [{ repetition_penalty: 2, top_k: 3, min_length: 9 }, false],
    [{ logit_bias: { 4: 1 } }, true],
    [{ sequence_bias: [[[4], 1]] }, true],
    [{ bad_words_ids: [[2]] }, true],
    [{ suppress_tokens: [1] }, true],
    [{ stop_token_ids: [1] }, true],
  ])('%j: has lists %s', (input, has) => {
    expect(hasLists(parseRequestParams(input).sampler)).toBe(has)
  })

  test('sequences of one last id form one group, a repeated one counts once with its last bias', () => {
    const { lists } = pack({
      sequence_bias: [
        [[7, 9], 1],
        [[8], 2],
        [[9], 3],
        [[7, 9], 4],
      ],
    })
    const bits = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]!
    expect([...lists]).toEqual([2, 9, 9, 2, 1, bits(4), 7, 0, bits(3), 8, 1, 0, bits(2), 2])
  })

  test.each(['suppress_tokens', 'logit_bias', 'bad_words_ids', 'sequence_bias', 'stop_token_ids'] as const)(
    '%s beyond the room for lists is refused by name',
    (name) => {
      const ids = Array.from({ length: SAMPLER_SETTINGS.LIST_WORDS }, (_, id) => id)
      const input = {
        suppress_tokens: ids,
        stop_token_ids: ids,
        logit_bias: Object.fromEntries(ids.map((id) => [id, 1])),
        bad_words_ids: ids.map((id) => [id, id]),
        sequence_bias: ids.map((id) => [[id], 1] as const),
      }
      expect(() => pack({ [name]: input[name] })).toThrow(ParameterError)
      expect(() => pack({ [name]: input[name] })).toThrow(
        new RegExp(`parameter "${name}".*at most ${SAMPLER_SETTINGS.LIST_WORDS} words`),
      )
    },
  )

  test('bad words that are far too many are refused with the words that they would take', () => {
    const ids = Array.from({ length: 100 }, (_, id) => id)
    const params = parseRequestParams({ bad_words_ids: Array.from({ length: 65_536 }, () => ids) }).sampler
    checkTokenIds(params, 100)
    // One group: where it is, its last id, its size; and 99 ids, their number and a bias for each.
    const words = 3 + 65_536 * 101
    expect(() => packSettings(params, CONTEXT, packLists)).toThrow(`they would take ${words}`)
  })

  test('bad words fill the lists in the order of their groups', () => {
    const { lists, settings } = pack({
      bad_words_ids: [[5], [6, 7, 8], [2], [9, 8], [5], [3, 4]],
      suppress_tokens: [5, 1],
    })
    const groups = [2, 12, 8, 2, 2, 0, 6, 7, 1, 0, 9, 4, 1, 1, 0, 3]
    const ends = [2]
    const bans = [5, 1]
    expect([...lists]).toEqual([2, 11, ...groups.slice(2), ...ends, ...bans])
    expect([...settings.slice(22, 28)]).toEqual([0, 2, 16, 1, 17, 2])
  })

  test('a repetition penalty below what a GPU holds is refused', () => {
    expect(() => pack({ repetition_penalty: 1e-40 })).toThrow('parameter "repetition_penalty"')
  })
})
