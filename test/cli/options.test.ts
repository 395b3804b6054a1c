/** Options become parameters of requests and options of loading. */
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/cli/context.ts'
import { addModelOptions, modelOptions, type Values } from '../../src/cli/options.ts'
import { addSamplingOptions, readSetting, samplingParams } from '../../src/cli/sampling-options.ts'
import { ParameterError } from '../../src/errors.ts'
import { PARAMETERS } from '../../src/sampling/request-params.ts'

function parse(...args: string[]): Values {
  const command = addSamplingOptions(addModelOptions(new Command())).exitOverride()
  command.configureOutput({ writeErr: () => undefined })
  return command.parse(args, { from: 'user' }).opts()
}

describe('sampling options', () => {
  it('leave out what was not said', () => {
    expect(samplingParams(parse())).toEqual({})
  })

  it('become parameters under the names of the wire', () => {
    const args = ['--max-new-tokens', '7', '--temperature', '.5', '--top-k', '-1', '--top-p', '0.9', '--seed', '3']
    const params = { max_new_tokens: 7, temperature: 0.5, top_k: -1, top_p: 0.9, seed: 3 }
    expect(samplingParams(parse(...args))).toEqual(params)
    expect(samplingParams(parse('--no-sample', '--ignore-eos'))).toEqual({ do_sample: false, ignore_eos: true })
    expect(samplingParams(parse('--stop', 'a', '--stop', '1'))).toEqual({ stop: ['a', '1'] })
    expect(samplingParams(parse('--stop-token-ids', '2, 5'))).toEqual({ stop_token_ids: [2, 5] })
    expect(samplingParams(parse('--frequency-penalty', '-1e-1'))).toEqual({ frequency_penalty: -0.1 })
  })

  it('are all of the wire, each under its name with dashes and with underscores', () => {
    const { options } = addSamplingOptions(new Command())
    const flags = options.map((option) => option.long!)
    for (const name of PARAMETERS) expect(flags).toEqual(expect.arrayContaining([`--${name}`]))
    for (const name of PARAMETERS) expect(flags).toEqual(expect.arrayContaining([`--${name.replaceAll('_', '-')}`]))
    const others = ['--no-sample', '--params', '--temp']
    const names = flags.filter((flag) => !others.includes(flag)).map((flag) => flag.slice(2).replaceAll('-', '_'))
    expect(PARAMETERS).toEqual(expect.arrayContaining(names))
    expect(options.filter(({ hidden }) => !hidden).length).toBeLessThan(25)
  })

  it.each([
    [['--max-tokens', '7'], { max_tokens: 7 }],
    [['--max_tokens', '7'], { max_tokens: 7 }],
    [['--max_tokens=7'], { max_tokens: 7 }],
    [['-n', '7'], { max_tokens: 7 }],
    [['-n7'], { max_tokens: 7 }],
    [['-n', '3', '--max_tokens', '7'], { max_tokens: 7 }],
    [['--max_tokens', '7', '-n', '3'], { max_tokens: 3 }],
    [['--max-new-tokens', '7'], { max_new_tokens: 7 }],
    [['--max_completion_tokens', '7'], { max_completion_tokens: 7 }],
    [['--temp', '0'], { temperature: 0 }],
    [['--top_k', '4', '--top_p=0.5'], { top_k: 4, top_p: 0.5 }],
    [['-s', '4'], { seed: 4 }],
    [['--random-seed', '4'], { random_seed: 4 }],
    [['--stop', 'a', '--stop', 'b'], { stop: ['a', 'b'] }],
    [['--bad_words', 'a', '--bad-words', 'b', '--bad_words', 'c'], { bad_words: ['a', 'b', 'c'] }],
    [['--stop_token_ids', '2,5'], { stop_token_ids: [2, 5] }],
    [['--do_sample', 'false'], { do_sample: false }],
    [['--ignore_eos'], { ignore_eos: true }],
    [['--logit-bias', '{"5": -100}'], { logit_bias: { 5: -100 } }],
    [['--use-cache', 'false', '--min-tokens', '3'], { use_cache: false, min_tokens: 3 }],
  ])('%j', (args, params) => {
    expect(samplingParams(parse(...args))).toEqual(params)
  })

  it('keep seeds of 64 bits exact', () => {
    expect(samplingParams(parse('--seed', '9223372036854775807'))).toEqual({ seed: 9223372036854775807n })
    expect(() => samplingParams(parse('--seed', '9223372036854775808'))).toThrow(ParameterError)
    const json = '{"seed": 1152921504606846977, "temperature": 1.0}'
    expect(samplingParams(parse('--params', json))).toEqual({ seed: 1152921504606846977n, temperature: 1 })
  })

  it('win over --params', () => {
    const json = '{"top_k": 3, "logit_bias": {"5": -100}}'
    expect(samplingParams(parse('--params', json, '--top-k', '4'))).toEqual({ top_k: 4, logit_bias: { 5: -100 } })
  })

  it.each([
    [['--top-p', '2'], 'top_p'],
    [['--temperature', 'hot'], 'temperature'],
    [['--max-new-tokens', '0x10'], 'max_new_tokens'],
    [['--max-new-tokens', ''], 'max_new_tokens'],
    [['--seed', '1.5'], 'seed'],
    [['--stop-token-ids', '1,,2'], 'stop_token_ids'],
    [['--params', '{"top_q": 1}'], 'top_q'],
    [['--params', '[1]'], 'params'],
  ])('refuse %j by name', (args, parameter) => {
    expect(() => samplingParams(parse(...args))).toThrow(expect.objectContaining({ name: 'ParameterError', parameter }))
  })

  it('say when --params is no JSON', () => {
    expect(() => samplingParams(parse('--params', '{top_k: 3}'))).toThrow(UsageError)
  })
})

describe('settings that are typed one by one', () => {
  it.each([
    ['temperature', '0.5', ['temperature', 0.5]],
    ['temp', '0.5', ['temperature', 0.5]],
    ['--top-p', '1', ['top_p', 1]],
    ['max-tokens', '9', ['max_tokens', 9]],
    ['stop', 'a b', ['stop', ['a b']]],
    ['stop', '["a", "b"]', ['stop', ['a', 'b']]],
    ['ignore_eos', 'true', ['ignore_eos', true]],
    ['seed', '9007199254740993', ['seed', 9007199254740993n]],
    ['logit_bias', '{"5": 1}', ['logit_bias', { 5: 1 }]],
    ['top_q', '1', undefined],
  ])('%s %s', (name, value, setting) => {
    expect(readSetting(name, value)).toEqual(setting)
  })
})

describe('model options', () => {
  it('become load options', () => {
    const args = ['-m', 'x.gguf', '--weights', 'q4', '--kv-cache', 'f32', '--context', '512', '--sliding-window', '64']
    expect(modelOptions(parse(...args))).toEqual({
      model: 'x.gguf',
      weights: 'q4',
      kvCache: 'f32',
      contextLength: 512,
      slidingWindow: 64,
      chatFormat: undefined,
      chatTemplate: undefined,
      neighbours: undefined,
    })
    expect(modelOptions(parse('--sliding-window', 'none'))).toMatchObject({ slidingWindow: null, model: undefined })
  })

  it.each([
    ['--context-length', '0', '--context-length'],
    ['--context', '1.5', '--context-length'],
    ['--context_length', 'all', '--context-length'],
    ['-c', '-1', '--context-length'],
    ['--sliding-window', '-1', '--sliding-window'],
  ])('refuse %s %s', (flag, value, named) => {
    expect(() => modelOptions(parse(flag, value))).toThrow(new RegExp(`${named} "${value}"`))
  })

  it('take a template or a format, and not both', () => {
    expect(modelOptions(parse('--chat-template', 'x.jinja'))).toMatchObject({ chatTemplate: 'x.jinja' })
    expect(modelOptions(parse('--chat-format', 'v7'))).toMatchObject({ chatFormat: 'v7' })
    expect(() => parse('--chat-format', 'v99')).toThrow(/Allowed choices/)
  })

  it('take the length of the context under each of its names', () => {
    for (const flag of ['-c', '--context', '--context-length', '--context_length']) {
      expect(modelOptions(parse(flag, '512'))).toMatchObject({ contextLength: 512 })
    }
  })

  it.each([
    ['--weights', 'q5'],
    ['--kv-cache', 'q4'],
    ['--chat-format', 'v4'],
    ['--neighbours', 'drop'],
  ])('refuse %s %s, listing what there is', (flag, value) => {
    expect(() => parse(flag, value)).toThrow(/Allowed choices/)
  })
})

describe('sizes', () => {
  it.each([
    ['6GB', 6e9],
    ['6gb', 6e9],
    ['6G', 6e9],
    ['5.5 GiB', 5.5 * 2 ** 30],
    ['512MiB', 512 * 2 ** 20],
    ['100k', 100_000],
    ['1TB', 1e12],
    ['6000000000', 6e9],
    ['10b', 10],
  ])('%s', (text, size) => {
    expect(modelOptions(parse('--max-memory', text)).maxMemory).toBe(size)
  })

  it.each(['', '0', '-1', 'six', '6XB', '6iB', '6i', 'GB', '1e9', '6 G B', '99999999TB', '0.4'])('not %j', (text) => {
    expect(() => modelOptions(parse('--max-memory', text))).toThrow(UsageError)
    expect(() => modelOptions(parse('--max-memory', text))).toThrow(/must be a size as in 6GB, 5.5GiB/)
  })

  it('of a context may be left to the device', () => {
    expect(modelOptions(parse('-c', 'auto')).contextLength).toBe('auto')
    expect(() => modelOptions(parse('-c', 'most'))).toThrow(/an integer of at least 1/)
  })
})
