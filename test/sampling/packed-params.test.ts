import { describe, expect, test } from 'vitest'
import { ParameterError } from '../../src/errors.ts'
import { LIST_WORDS, packSettings, SETTINGS_WORDS } from '../../src/sampling/packed-params.ts'
import { parseSamplingParams, type SamplingInput } from '../../src/sampling/params.ts'

const CONTEXT = { promptLength: 4, eosTokenId: [2], seed: 5 }
const pack = (input: SamplingInput) => packSettings(parseSamplingParams(input), CONTEXT)

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
    expect(packed.settings.length).toBe(SETTINGS_WORDS)
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
      const ids = Array.from({ length: LIST_WORDS }, (_, id) => id)
      const input = {
        suppress_tokens: ids,
        stop_token_ids: ids,
        logit_bias: Object.fromEntries(ids.map((id) => [id, 1])),
        bad_words_ids: ids.map((id) => [id, id]),
        sequence_bias: ids.map((id) => [[id], 1] as const),
      }
      expect(() => pack({ [name]: input[name] })).toThrow(ParameterError)
      expect(() => pack({ [name]: input[name] })).toThrow(
        new RegExp(`parameter "${name}".*at most ${LIST_WORDS} words`),
      )
    },
  )

  test('a repetition penalty below what a GPU holds is refused', () => {
    expect(() => pack({ repetition_penalty: 1e-40 })).toThrow('parameter "repetition_penalty"')
  })
})
