import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/cli/context.ts'
import {
  addModelOptions,
  addSamplingOptions,
  modelOptions,
  samplingParams,
  type Values,
} from '../../src/cli/options.ts'
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

  it('are parameters that exist, each of them', () => {
    const flags = addSamplingOptions(new Command()).options.map((option) => option.long!.slice(2).replaceAll('-', '_'))
    const others = ['no_sample', 'params']
    expect(PARAMETERS).toEqual(expect.arrayContaining(flags.filter((flag) => !others.includes(flag))))
    expect(flags.length).toBeGreaterThan(15)
  })

  it('keep seeds of 64 bits exact', () => {
    expect(samplingParams(parse('--seed', '9223372036854775807'))).toEqual({ seed: 9223372036854775807n })
    expect(() => samplingParams(parse('--seed', '9223372036854775808'))).toThrow(ParameterError)
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

describe('model options', () => {
  it('become load options', () => {
    const args = ['-m', 'x.gguf', '--weights', 'q4', '--kv-cache', 'f32', '--context', '512', '--sliding-window', '64']
    expect(modelOptions(parse(...args))).toEqual({
      model: 'x.gguf',
      weights: 'q4',
      kvCache: 'f32',
      contextLength: 512,
      slidingWindow: 64,
    })
    expect(modelOptions(parse('--sliding-window', 'none'))).toMatchObject({ slidingWindow: null, model: undefined })
  })

  it.each([
    ['--context', '0'],
    ['--context', '1.5'],
    ['--context', 'all'],
    ['--sliding-window', '-1'],
  ])('refuse %s %s', (flag, value) => {
    expect(() => modelOptions(parse(flag, value))).toThrow(new RegExp(`${flag} "${value}"`))
  })

  it.each([
    ['--weights', 'q5'],
    ['--kv-cache', 'q8'],
  ])('refuse %s %s, listing what there is', (flag, value) => {
    expect(() => parse(flag, value)).toThrow(/Allowed choices/)
  })
})
