/** The config's group size decides which inputs share a scale where the last group of a row is short. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { decodeToF32 } from '../../src/formats/blocks.ts'
import { CheckpointError, ConfigError, MistralModel } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { maxDifference } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { added, openFiles, reheaded } from './checkpoint-files.ts'

const DOWN = 'model.layers.0.mlp.down_proj'
const CHANNEL = { strategy: 'channel', group_size: null }
const grouped = (group_size: unknown) => ({ strategy: 'group', group_size })

function read(folder: string, name: string): Uint8Array<ArrayBuffer> {
  const path = fileURLToPath(new URL(`../fixtures/quantized/${folder}/${name}`, import.meta.url))
  return Uint8Array.from(readFileSync(path))
}

/** The folder's config with one of its config groups for each of these. */
function configOf(folder: string, weights: readonly object[]): object {
  const config = JSON.parse(new TextDecoder().decode(read(folder, 'config.json')))
  const { group_0: group } = config.quantization_config.config_groups
  config.quantization_config.config_groups = Object.fromEntries(
    weights.map((change, i) => [`group_${i}`, { ...group, weights: { ...group.weights, ...change } }]),
  )
  return config
}

/**
 * The folder with these scales for the groups of each row of `down_proj` [64, 96], and zero points of 0 where it
 * has zero points.
 */
function withScales(folder: string, groups: number, of = (group: number) => 1 + group): Uint8Array<ArrayBuffer> {
  const scale = `${DOWN}.weight_scale`
  const zero = `${DOWN}.weight_zero_point`
  let hasZeros = false
  const rest = reheaded(read(folder, 'model.safetensors'), (header) => {
    const { [scale]: _, [zero]: zeros, ...others } = header
    hasZeros = zeros !== undefined
    return others
  })
  const shape = [64, groups]
  const scales = new Uint8Array(Float32Array.from({ length: 64 * groups }, (_, i) => of(i % groups)).buffer)
  return added(rest, [
    { name: scale, dtype: 'F32', shape, bytes: scales },
    ...(hasZeros ? [{ name: zero, dtype: 'I8', shape, bytes: new Uint8Array(64 * groups) }] : []),
  ])
}

async function opened(folder: string, groups: number, ...weights: object[]) {
  return openFiles({ 'config.json': configOf(folder, weights), 'model.safetensors': withScales(folder, groups) })
}

/** The weights of `down_proj` as they are read, divided by the quants, which gives the scale of each that is not 0. */
async function scalesOf(folder: string, groups: number, ...weights: object[]): Promise<number[]> {
  const checkpoint = await opened(folder, groups, ...weights)
  const down = checkpoint.tensor('layers.0.w2')
  const values = decodeToF32(down.dtype, await checkpoint.readTensor(down, 0, down.byteLength))
  const one = await opened(folder, 1, CHANNEL, ...weights)
  const plain = one.tensor('layers.0.w2')
  const quants = decodeToF32(plain.dtype, await one.readTensor(plain, 0, plain.byteLength))
  return Array.from({ length: 96 }, (_, i) => {
    const at = Array.from({ length: 64 }, (_, row) => row * 96 + i).find((at) => quants[at] !== 0)!
    return values[at]! / quants[at]!
  })
}

const groupsOf = (size: number) => Array.from({ length: 96 }, (_, i) => 1 + Math.floor(i / size))

test.each([
  ['int-groups', 64, 2, [grouped(32), grouped(64)]],
  ['int-groups', 80, 2, [grouped(32), grouped(80)]],
  ['int-groups', 20, 5, [CHANNEL, grouped(32), grouped(20)]],
  ['int-groups', 64, 2, [grouped(32), { strategy: null, group_size: 64 }]],
  ['int-groups', 32, 3, [grouped(32), grouped(32)]],
  ['float-rows', 64, 2, [CHANNEL, grouped(64)]],
  ['float-rows', 64, 2, [CHANNEL, { strategy: 'block', block_structure: [1, 64] }]],
  ['float-rows', 32, 3, [CHANNEL, grouped(64), grouped(32)]],
])('%s: groups of %i inputs where a row has %i', async (folder, size, groups, weights) => {
  expect(await scalesOf(folder, groups, ...weights)).toEqual(groupsOf(size))
})

test.each([
  ['int-groups', 2, [grouped(32)], /has 2 scales for a row of 96 inputs, which none of .* would give: 32$/],
  ['int-groups', 1, [grouped(32)], /has 1 scale for .* none of .*: 32$/],
  ['int-groups', 4, [CHANNEL, grouped(32)], /has 4 scales .* none of .*: a whole row, 32$/],
  ['int-groups', 2, [grouped(32), grouped(64), grouped(80)], /has 2 scales .* more than one of .*: 64, 80$/],
  ['float-rows', 3, [CHANNEL, grouped(64)], /has 3 scales .* none of .*: a whole row, 64$/],
])('%s: %i groups that the config does not say', async (folder, groups, weights, fact) => {
  const opening = opened(folder, groups, ...weights)
  await expect(opening).rejects.toThrow(CheckpointError)
  await expect(opening).rejects.toThrow(
    expect.objectContaining({ tensor: `${DOWN}.weight_scale`, fact: expect.stringMatching(fact) }),
  )
})

test.each([undefined, null, 0, -1, 1.5, '32'])('a group size of %j is refused', async (size) => {
  const opening = opened('int-groups', 3, grouped(size))
  await expect(opening).rejects.toThrow(ConfigError)
  await expect(opening).rejects.toThrow('"quantization_config.config_groups.group_0.weights.group_size"')
})

test('kernels read a short last group as such', { timeout: patience(240_000) }, async () => {
  const logits = async (size: number, groups: number, scales: (group: number) => number) => {
    const files: Record<string, string | Uint8Array<ArrayBuffer>> = {
      'config.json': JSON.stringify(configOf('int-groups', [grouped(32), grouped(size)])),
      'model.safetensors': withScales('int-groups', groups, scales),
    }
    const source = { open: (name: string) => files[name] }
    const model = await MistralModel.load(source, { kvCache: 'f32', disableFeatures: disabledFeatures() })
    const rows = await model.logits([1, 5, 9, 20, 33])
    model.dispose()
    return Float32Array.from(rows.flatMap((row) => [...row]))
  }
  // A group of 64 has the weights of two of 32 with the same scale.
  const [long, short] = [2 ** -8, 2 ** -10]
  const expected = await logits(32, 3, (group) => (group < 2 ? long : short))
  expect(maxDifference(await logits(64, 2, (group) => [long, short][group]!), expected)).toBeLessThan(1e-4)
  const others = await logits(64, 2, () => long)
  expect(maxDifference(others, expected)).toBeGreaterThan(1e-2)
})
