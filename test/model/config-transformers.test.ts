/** What `parseHfConfig` makes of changed configs against what transformers builds from them (`fixtures/config/make.py`). */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import type { ModelConfig } from '../../src/model/config.ts'
import { parseHfConfig } from '../../src/model/config-hf.ts'
import { ropeFrequencies, ropeTable } from '../../src/model/rope.ts'

interface Built {
  readonly class: string
  readonly activation: string
  readonly visible: readonly number[]
  readonly tied: boolean
  readonly biases: readonly string[]
  readonly bos: number | null
  readonly eos: number | readonly number[] | null
  readonly frequencies: readonly number[]
  readonly attentionFactor: number
  readonly queryScale: readonly number[]
  readonly [name: string]: unknown
}
interface Case {
  readonly change?: Readonly<Record<string, unknown>>
  readonly bare?: string
  readonly as?: Built
  readonly error?: string
}

const path = fileURLToPath(new URL('../fixtures/config/transformers.json.gz', import.meta.url))
const { base, tokens, positions, cases } = JSON.parse(gunzipSync(readFileSync(path)).toString()) as {
  base: Record<string, unknown>
  tokens: number
  positions: readonly number[]
  cases: readonly Case[]
}
const NUMBERS = ['dim', 'vocabSize', 'nLayers', 'nHeads', 'nKvHeads', 'headDim', 'hiddenDim', 'normEps', 'maxPositions']

/**
 * What transformers 5.18 refuses or cannot run and this library takes, with what it takes it for: there is one sensible
 * meaning, and transformers 4 or the newer classes have it.
 */
const LENIENT: readonly [change: Record<string, unknown>, as: Partial<ModelConfig>][] = [
  [{ num_key_value_heads: null }, { nKvHeads: 4 }],
  [{ head_dim: null }, { headDim: 8 }],
  [{ head_dim: '(absent)' }, { headDim: 8 }],
  [{ head_dim: '(absent)', hidden_size: 34 }, { headDim: 8 }],
  [{ num_attention_heads: 6, head_dim: 4 }, { headDim: 4 }],
  [{ tie_word_embeddings: null }, { tiedEmbeddings: false }],
  [{ attention_bias: null }, {}],
  [{ model_type: null }, { architecture: 'MistralForCausalLM' }],
  // A class without windows does not care how they are written, nor one whose layers are all alike for their names.
  [{ model_type: 'llama', layer_types: ['sliding_attention', 'full_attention'] }, {}],
  [{ model_type: 'llama', layer_types: ['sliding', 'sliding', 'sliding'] }, {}],
  [{ model_type: 'ministral', sliding_window: null }, { slidingWindows: [undefined, undefined, undefined] }],
  [{ pad_token_id: 99 }, {}],
]
/** What transformers can do and this library refuses. */
const REFUSED: readonly Record<string, unknown>[] = [{ hidden_act: 'gelu' }]

function configOf(change: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...base, ...change }).filter(([, value]) => value !== '(absent)'))
}

/** The names of classes may stand beside a change. */
function isChange(change: Readonly<Record<string, unknown>>, wanted: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(change).filter((name) => !['architectures', 'model_type'].includes(name) || name in wanted)
  return (
    names.length === Object.keys(wanted).length &&
    names.every((name) => JSON.stringify(change[name]) === JSON.stringify(wanted[name]))
  )
}

function expectSame(config: ModelConfig, built: Built): void {
  for (const name of NUMBERS) expect(config[name as keyof ModelConfig], name).toBe(built[name])
  expect(built.activation).toMatch(/^SiLU/)
  expect(config.slidingWindows.map((window) => Math.min(window ?? Infinity, tokens))).toEqual(built.visible)
  expect(config.tiedEmbeddings).toBe(built.tied)
  expect(config.attentionBias).toBe(built.biases.includes('self_attn.o_proj.bias'))
  expect(config.mlpBias).toBe(built.biases.includes('mlp.down_proj.bias'))
  expect(config.bosTokenId ?? null).toBe(built.bos)
  expect(config.eosTokenIds).toEqual(built.eos === null ? [] : [built.eos].flat())
  const frequencies = ropeFrequencies(config)
  expect(frequencies).toHaveLength(built.frequencies.length)
  for (const [i, frequency] of built.frequencies.entries()) {
    // Both compute them in f32; powers of f32 differ in the last place.
    expect(Math.abs(frequencies[i]! / frequency - 1), `frequency ${i}`).toBeLessThan(5e-7)
  }
  const unturned = ropeTable(config, 1).at(-2 * frequencies.length)
  expect(unturned).toBeCloseTo(built.attentionFactor, 6)
  const { beta, length } = config.queryScale ?? { beta: 0, length: 1 }
  const scales = positions.map((position) => 1 + beta * Math.log(1 + Math.floor(position / length)))
  for (const [i, scale] of built.queryScale.entries()) expect(scales[i]).toBeCloseTo(scale, 5)
}

describe('configs mean what they mean to transformers', () => {
  const changes = cases.filter((each) => each.change !== undefined)
  test('there are enough of them', () => {
    expect(changes.filter(({ as }) => as !== undefined).length).toBeGreaterThan(200)
    expect(changes.filter(({ error }) => error !== undefined).length).toBeGreaterThan(40)
  })

  test.each(changes.map((each) => [JSON.stringify(each.change), each] as const))('%s', (_, { change = {}, as }) => {
    const config = configOf(change)
    const lenient = LENIENT.find(([wanted]) => isChange(change, wanted))
    if (as === undefined && lenient !== undefined) return expect(parseHfConfig(config)).toMatchObject(lenient[1])
    if (as === undefined || REFUSED.some((wanted) => isChange(change, wanted))) {
      return expect(() => parseHfConfig(config)).toThrow(ConfigError)
    }
    expectSame(parseHfConfig(config), as)
  })

  test.each(cases.flatMap(({ bare, as }) => (bare === undefined ? [] : [[bare, as!] as const])))(
    'a config of the type %s without any other field',
    (model_type, as) => {
      const config = parseHfConfig({ model_type })
      for (const name of NUMBERS) expect(config[name as keyof ModelConfig], name).toBe(as[name])
      expect(config.slidingWindows.map((window) => window ?? null)).toEqual(
        Array.from({ length: config.nLayers }, () => as.window),
      )
      expect([config.bosTokenId, ...config.eosTokenIds]).toEqual([as.bos, as.eos])
      expect(config.ropeTheta).toBe(as.theta)
    },
  )
})

describe('fields without effect are named', () => {
  const notes = (change: Readonly<Record<string, unknown>>) => {
    const said: string[] = []
    parseHfConfig(configOf(change), (text) => said.push(text))
    return said
  }

  test.each<[Record<string, unknown>, RegExp[]]>([
    [{}, []],
    [{ use_sliding_window: true }, []],
    [{ sliding_window: null, use_sliding_window: false }, []],
    [{ use_sliding_window: false }, [/^config.json: use_sliding_window \(false\) means nothing in .* type mistral/]],
    [{ use_sliding_window: true, max_window_layers: 1 }, [/max_window_layers \(1\)/]],
    [
      { model_type: 'llama', architectures: ['LlamaForCausalLM'] },
      [/sliding_window \(8\) means nothing .* type llama/],
    ],
    [{ model_type: 'llama', architectures: [], sliding_window: null, layer_types: ['x'] }, [/layer_types/]],
    [{ architectures: ['LlamaForCausalLM'] }, [/architectures says \["LlamaForCausalLM"\], but model_type mistral/]],
    [{ attention_bias: true, mlp_bias: false }, [/attention_bias \(true\)/]],
    [{ partial_rotary_factor: 0.5 }, [/partial_rotary_factor \(0.5\)/]],
    [{ layer_types: ['full_attention', 'full_attention', 'sliding_attention'] }, []],
  ])('%j', (change, expected) => {
    const said = notes(change)
    expect(said).toHaveLength(expected.length)
    for (const [i, text] of said.entries()) expect(text).toMatch(expected[i]!)
  })
})
