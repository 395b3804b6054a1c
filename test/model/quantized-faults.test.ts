/** Quantized folders whose tensors do not fit one another are refused by the name of the tensor. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openSource } from '../../src/formats/source.ts'
import { CheckpointError } from '../../src/index.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'

interface Entry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

/** The folder with another header before the same data. */
async function opened(name: string, change: (header: Record<string, Entry>) => void) {
  const file = (which: string) =>
    readFileSync(fileURLToPath(new URL(`../fixtures/quantized/${name}/${which}`, import.meta.url)))
  const weights = file('model.safetensors')
  const length = Number(weights.readBigUInt64LE(0))
  const header = JSON.parse(weights.subarray(8, 8 + length).toString())
  change(header)
  const json = Buffer.from(JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(json.length))
  const files: Record<string, Uint8Array> = {
    'config.json': file('config.json'),
    'model.safetensors': Buffer.concat([size, json, weights.subarray(8 + length)]),
  }
  return openCheckpoint(await openSource({ open: (name) => files[name] }))
}

const Q = 'model.layers.0.self_attn.q_proj'
const half = (entry: Entry) => {
  entry.shape = [entry.shape[0]! / 2, ...entry.shape.slice(1)]
  const [begin, end] = entry.data_offsets
  entry.data_offsets = [begin, begin + (end - begin) / 2]
}

const faults: [string, string, string, (header: Record<string, Entry>) => void, RegExp][] = [
  ['float-rows', 'without its scales', `${Q}.weight_scale_inv`, (h) => delete h[`${Q}.weight_scale`], /is missing/],
  [
    'float-rows',
    'with half of its scales',
    `${Q}.weight_scale`,
    (h) => half(h[`${Q}.weight_scale`]!),
    /\[32, 1\]; for \[64, 64\]/,
  ],
  [
    'float-rows',
    'with scales that are whole numbers',
    `${Q}.weight_scale`,
    (h) => {
      h[`${Q}.weight_scale`]!.dtype = 'I16'
    },
    /type I16 are not supported here; F16, BF16, F32 are/,
  ],
  [
    'float-block',
    'with half of its blocks',
    `${Q}.weight_scale`,
    (h) => half(h[`${Q}.weight_scale`]!),
    /in blocks of \[128, 128\], it should be \[2, 2\]/,
  ],
  ['int-rows', 'without its scales', `${Q}.weight_scale`, (h) => delete h[`${Q}.weight_scale`], /is missing/],
  [
    'int-rows',
    'with half of its scales',
    `${Q}.weight_scale`,
    (h) => half(h[`${Q}.weight_scale`]!),
    /\[32, 1\]; for 64 outputs/,
  ],
  [
    'int-groups',
    'with half of its zero points',
    `${Q}.weight_zero_point`,
    (h) => half(h[`${Q}.weight_zero_point`]!),
    /as its scales/,
  ],
]

test.each(faults)('%s %s', async (name, _, tensor, change, fact) => {
  const opening = opened(name, change)
  await expect(opening).rejects.toThrow(CheckpointError)
  await expect(opening).rejects.toThrow(expect.objectContaining({ tensor }))
  await expect(opening).rejects.toThrow(fact)
})

test('the folders open as they are', async () => {
  for (const name of ['float-rows', 'float-block', 'int-rows', 'int-groups']) {
    expect((await opened(name, () => {})).names.length).toBeGreaterThan(10)
  }
})
