import { describe, expect, test } from 'vitest'
import { changed } from '../../src/checks.ts'
import { ParameterError } from '../../src/errors.ts'
import type { LoopParams } from '../../src/sampling/loop-params.ts'
import { PARAMETERS, parseRequestParams } from '../../src/sampling/request-params.ts'
import { checkTokenIds, type SamplerParams } from '../../src/sampling/sampler-params.ts'
import type { TextParams } from '../../src/sampling/text-params.ts'

function refusal(input: unknown, otherNames?: string[]): ParameterError {
  try {
    parseRequestParams(input, otherNames)
  } catch (error) {
    if (error instanceof ParameterError) return error
    throw error
  }
  throw new Error(`accepted: ${JSON.stringify(input)}`)
}

/** All parts beside each other. */
function parse(input: unknown, otherNames?: string[]): SamplerParams & LoopParams & TextParams {
  const { sampler, loop, text } = parseRequestParams(input, otherNames)
  return { ...sampler, ...loop, ...text }
}

const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)

describe('defaults', () => {
  const defaults = { max_tokens: 512, temperature: 1, top_k: 50, top_p: 0.95, do_sample: true, ignore_eos: false }

  test.each([undefined, null, {}, { top_p: null, max_tokens: undefined, top_k: null, seed: null, stop: null }])(
    '%j',
    (input) => {
      expect(parse(input)).toMatchObject({ ...defaults, seed: undefined, stop: [], stop_token_ids: [] })
    },
  )

  test('every parameter belongs to one part', () => {
    const { sampler, loop, text } = parseRequestParams({})
    const names = [sampler, loop, text].map((part) => Object.keys(part))
    expect(names[1]).toEqual(expect.arrayContaining(['max_tokens', 'use_cache', 'logprobs']))
    expect(names[2]).toEqual([
      'stop',
      'bad_words',
      'n',
      'return_full_text',
      'max_reasoning_tokens',
      'include_reasoning',
      'format',
      'constrain_prefix',
    ])
    expect(new Set(names.flat()).size).toBe(names.flat().length)
  })

  test('what was read does not change any more: not by the caller, and not by itself', () => {
    const input = { stop: ['x'], logit_bias: { 5: 1 }, bad_words_ids: [[1, 2]], suppress_tokens: [3] }
    const params = parse(input)
    input.stop.push('y')
    input.logit_bias[5] = 99
    input.bad_words_ids[0]!.push(4)
    input.suppress_tokens.length = 0
    const choice = ['a']
    const { format } = parseRequestParams({ choice }).text
    choice.push('b')
    expect(format).toEqual({ name: 'choice', value: ['a'] })
    const schema = { type: 'object', properties: { a: {} } }
    const response_format = { type: 'json_schema', json_schema: { schema } } as const
    const read = parseRequestParams({ response_format }).text.format!
    schema.type = 'string'
    expect(read.value).toMatchObject({ json_schema: { schema: { type: 'object' } } })
    expect(params).toMatchObject({
      stop: ['x'],
      logit_bias: { 5: 1 },
      bad_words_ids: [[1, 2]],
      suppress_tokens: [3],
    })
    for (const part of Object.values(parseRequestParams(input))) expect(part).toSatisfy(Object.isFrozen)
  })

  test('some of what was checked may be changed to what needs no check', () => {
    const { sampler } = parseRequestParams({ top_k: 3, seed: 1 })
    const other = changed(sampler, { seed: 2n })
    expect([other.top_k, other.seed, sampler.seed]).toEqual([3, 2n, 1])
    expect(other).toSatisfy(Object.isFrozen)
  })
})

describe('aliases', () => {
  test('max_new_tokens wins, then max_completion_tokens', () => {
    expect(parse({ max_tokens: 1, max_completion_tokens: 2, max_new_tokens: 3 }).max_tokens).toBe(3)
    expect(parse({ max_tokens: 1, max_completion_tokens: 2 }).max_tokens).toBe(2)
    expect(parse({ max_tokens: 1, max_new_tokens: null }).max_tokens).toBe(1)
  })

  test('min_new_tokens wins over min_tokens', () => {
    expect(parse({ min_tokens: 2 }).min_new_tokens).toBe(2)
    expect(parse({ min_tokens: 2, min_new_tokens: 1 }).min_new_tokens).toBe(1)
  })

  test('temperature 0 is greedy, -1 turns top_k off, one stop is a list', () => {
    expect(parse({ temperature: 0 }).do_sample).toBe(false)
    expect(parse({ temperature: 1e-6, do_sample: true }).do_sample).toBe(false)
    expect(parse({ temperature: 1e-5 }).do_sample).toBe(true)
    expect(parse({ top_k: -1 }).top_k).toBe(0)
    expect(parse({ stop: '' }).stop).toEqual([])
    expect(parse({ stop: ['', 'a', '', ...new Array(15).fill('b')] }).stop).toHaveLength(16)
    expect(parse({ random_seed: 5 }).seed).toBe(5)
    expect(parse({ random_seed: 5n, seed: 5 }).seed).toBe(5)
    expect(parse({ stop: '\n' }).stop).toEqual(['\n'])
  })
})

describe('refused, naming parameter, value and range', () => {
  const bad: [string, unknown, string][] = [
    ['max_tokens', 0, 'integer of at least 1'],
    ['max_tokens', 1.5, 'integer of at least 1'],
    ['max_new_tokens', '5', 'integer of at least 1'],
    ['temperature', -0.1, 'number from 0 to 100'],
    ['temperature', Number.NaN, 'number from 0 to 100'],
    ['temperature', Infinity, 'number from 0 to 100'],
    ['temperature', '1', 'number from 0 to 100'],
    ['top_k', -2, 'integer of at least -1'],
    ['top_k', 2.5, 'integer of at least -1'],
    ['top_p', 1.01, 'number from 0 to 1'],
    ['top_p', -0.01, 'number from 0 to 1'],
    ['do_sample', 1, 'true or false'],
    ['ignore_eos', 'yes', 'true or false'],
    ['seed', 1.5, 'integer'],
    ['seed', 2 ** 53, 'integer'],
    ['seed', 2n ** 63n, 'from -9223372036854775808 to 9223372036854775807'],
    ['seed', -(2n ** 63n) - 1n, 'from -9223372036854775808 to 9223372036854775807'],
    ['random_seed', 2n ** 63n, 'from -9223372036854775808 to 9223372036854775807'],
    ['random_seed', '7', 'integer'],
    ['stop', [1], 'list of at most 16 texts'],
    ['stop', new Array(17).fill('a'), 'at most 16'],
    ['stop_token_ids', 2, 'list of token ids'],
    ['stop_token_ids', [-1], 'list of token ids'],
    ['repetition_penalty', 0, 'above 0'],
    ['no_repeat_ngram_size', -1, 'integer of at least 0'],
    ['bad_words_ids', [[]], 'at least one token id'],
    ['bad_words_ids', [1], 'list of token ids'],
    ['sequence_bias', [[[1]]], '[list of token ids, finite number]'],
    ['sequence_bias', [[[1], Infinity]], '[list of token ids, finite number]'],
    ['logit_bias', { a: 1 }, 'from -100 to 100'],
    ['logit_bias', { 1: 101 }, 'from -100 to 100'],
    ['logit_bias', [1], 'from -100 to 100'],
    ['min_p', 2, 'number from 0 to 1'],
    ['typical_p', 0, 'above 0 and at most 1'],
    ['epsilon_cutoff', 1, 'below 1'],
    ['eta_cutoff', -1, 'at least 0'],
    ['frequency_penalty', 2.5, 'from -2 to 2'],
    ['presence_penalty', -3, 'from -2 to 2'],
    ['min_length', -1, 'integer of at least 0'],
    ['suppress_tokens', 'a', 'list of token ids'],
  ]
  test.each(bad.map((row, n) => [`${n}: ${row[0]} = ${String(row[1])}`, ...row] as const))(
    '%s',
    (_, name, value, allowed) => {
      const error = refusal({ [name]: value })
      expect(error.parameter).toBe(name)
      // Of a list of lists the message shows the item at fault.
      expect(JSON.stringify([[value]], plain)).toContain(JSON.stringify(error.value, plain))
      expect(error.message).toContain(`parameter "${name}"`)
      expect(error.message).toContain(allowed)
    },
  )

  test.each([[[]], ['a'], [5]])('a request that is %j', (input) => {
    expect(refusal(input).message).toContain('must be an object')
  })

  test('limits that exclude each other, by the names that were sent', () => {
    const shorter = { min_tokens: 6, max_completion_tokens: 5 }
    expect(refusal(shorter).message).toBe('parameter "min_tokens" (6): must be at most max_completion_tokens, 5')
    expect(refusal({ min_tokens: 513 }).message).toBe('parameter "min_tokens" (513): must be at most max_tokens, 512')
    expect(refusal({ seed: 1, random_seed: 2 }).message).toContain(
      'parameter "random_seed" (2): is another name of seed',
    )
  })

  test('min_new_tokens above max_tokens', () => {
    expect(refusal({ max_tokens: 5, min_new_tokens: 6 }).message).toContain('at most max_tokens, 5')
  })
})

describe('accepted at the edges', () => {
  const good: [string, unknown][] = [
    ['temperature', 100],
    ['top_p', 0],
    ['top_p', 1],
    ['top_k', 1e9],
    ['typical_p', 1],
    ['seed', -(2 ** 53 - 1)],
    ['seed', 2n ** 63n - 1n],
    ['seed', -(2n ** 63n)],
    ['frequency_penalty', -2],
    ['presence_penalty', 2],
    ['logit_bias', { 7: -100, 8: 100 }],
    ['stop', new Array(16).fill('a')],
  ]
  test.each(good.map((row) => [`${row[0]} = ${String(row[1])}`, ...row] as const))('%s', (_, name, value) => {
    expect(parse({ [name]: value })).toMatchObject({ [name]: value })
  })
})

describe('names', () => {
  test.each([
    ['temprature', 'temperature'],
    ['topK', 'top_k'],
    ['top-p', 'top_p'],
    ['maxTokens', 'max_tokens'],
    ['max_token', 'max_tokens'],
    ['max_new_token', 'max_new_tokens'],
    ['repetition_penality', 'repetition_penalty'],
    ['sede', 'seed'],
    ['presense_penalty', 'presence_penalty'],
  ])('%s is answered with %s', (wrong, right) => {
    const error = refusal({ [wrong]: 1 })
    expect(error.parameter).toBe(wrong)
    expect(error.message).toContain(`did you mean "${right}"?`)
  })

  test('nothing is suggested for a name like no other', () => {
    for (const name of ['frobnicate', 'x'.repeat(10_000), '__proto__x']) {
      expect(refusal({ [name]: 1 }).message).not.toContain('did you mean')
    }
    expect(refusal(JSON.parse('{"__proto__": 1}')).parameter).toBe('__proto__')
    expect(refusal({ toString: 1 }).parameter).toBe('toString')
  })

  test('names of the caller are skipped, and offered as corrections', () => {
    const request = { messages: 5, top_k: 2 }
    expect(parse(request, ['messages']).top_k).toBe(2)
    expect(refusal({ mesages: [] }, ['messages']).message).toContain('did you mean "messages"?')
  })

  test.each([
    ['num_beams', 4, 1],
    ['length_penalty', 0.5, 1],
    ['guidance_scale', 2, 1],
  ])('%s is refused unless neutral', (name, value, neutral) => {
    const error = refusal({ [name]: value })
    expect(error.parameter).toBe(name)
    expect(error.message).toContain('is not supported yet')
    expect(parse({ [name]: neutral }).max_tokens).toBe(512)
    expect(parse({ [name]: null }).max_tokens).toBe(512)
  })

  test('are listed for other layers', () => {
    expect(PARAMETERS).toContain('max_new_tokens')
    for (const name of PARAMETERS) expect(parse({ [name]: null }).max_tokens).toBe(512)
  })
})

describe('checkTokenIds', () => {
  test.each([
    ['stop_token_ids', [9, 10]],
    ['suppress_tokens', [10]],
    ['logit_bias', { 10: 1 }],
    ['bad_words_ids', [[1], [2, 10]]],
    ['sequence_bias', [[[10, 1], 2]]],
  ])('%s', (name, value) => {
    const params = parseRequestParams({ [name]: value }).sampler
    expect(() => checkTokenIds(params, 10)).toThrow(`parameter "${name}" (10): must be a token id below`)
    expect(() => checkTokenIds(params, 11)).not.toThrow()
  })
})
