/** GGUF headers, sound and hostile. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeToF32, typeName } from '../../src/formats/blocks.ts'
import { bytesReader, customReader } from '../../src/formats/byte-reader.ts'
import { type GgufFile, openGguf } from '../../src/formats/gguf.ts'
import { patience } from '../support/patience.ts'
import {
  array,
  concat,
  fixture,
  fixtureJson,
  floats,
  type GgufTensorSpec,
  ggufString,
  join,
  gguf as make,
  pair,
  refusal,
  text,
  u32,
  u64,
  verdict,
} from './helpers.ts'

const open = (bytes: Uint8Array) => openGguf(bytesReader('x.gguf', bytes))
const tensor = (
  name: string,
  dims: readonly (number | bigint)[],
  offset: number | bigint,
  type = 0,
): GgufTensorSpec => ({
  name,
  dims,
  offset,
  type,
})
const STRING = 8
const ARRAY = 9

describe('openGguf', () => {
  it('reads what gguf-py wrote, every supported type exactly', async () => {
    const file = await open(fixture('mixed.gguf'))
    const expected = fixtureJson('expected.json').gguf as Record<string, string>
    const seen = new Set<string>()
    for (const [name, values] of Object.entries(expected)) {
      const info = file.tensors.get(name)!
      seen.add(typeName(info.dtype))
      expect(decodeToF32(info.dtype, await file.read(info, 0, info.byteLength)), name).toEqual(floats(values))
    }
    expect([...seen].sort()).toEqual(['bf16', 'f32', 'q4_0', 'q8_0'])
    expect(file.tensors.get('blk.1.attn_output.weight')?.dtype).toBe('f16')
    expect(file.tensors.get('blk.0.ffn_down.weight')?.shape).toEqual([32, 64])
  })

  it('keeps metadata of every type', async () => {
    const { metadata } = await open(fixture('mixed.gguf'))
    const tokens = metadata.get('tokenizer.ggml.tokens') as string[]
    expect(tokens).toHaveLength(40)
    expect(tokens.slice(2, 5)).toEqual(['</s>', '\ufeff', 'é'])
    expect(metadata.get('tokenizer.ggml.scores')).toEqual(Float32Array.from({ length: 40 }, (_, i) => 0 - i))
    expect(metadata.get('tokenizer.ggml.token_type')).toBeInstanceOf(Int32Array)
    expect(metadata.get('tokenizer.ggml.add_bos_token')).toBe(true)
    const one = (type: number, value: Uint8Array) => pair(`t${type}`, type, value)
    const made = await open(
      make({
        pairs: [
          one(0, Uint8Array.of(200)),
          one(1, Uint8Array.of(200)),
          one(2, Uint8Array.of(0xff, 0xff)),
          one(3, Uint8Array.of(0xff, 0xff)),
          one(5, u32(0xffffffff)),
          one(10, u64(2n ** 60n)),
          one(11, u64(2n ** 64n - 5n)),
          one(12, new Uint8Array(new Float64Array([Math.PI]).buffer)),
          pair('nested', ARRAY, array(ARRAY, 2, array(2, 1, Uint8Array.of(7, 0)), array(STRING, 1, ggufString('x')))),
          pair('bools', ARRAY, array(7, 2, Uint8Array.of(1, 0))),
        ],
        version: 2,
      }),
    )
    expect(Object.fromEntries(made.metadata)).toEqual({
      t0: 200,
      t1: -56,
      t2: 65535,
      t3: -1,
      t5: -1,
      t10: 2n ** 60n,
      t11: -5,
      t12: Math.PI,
      nested: [new Uint16Array([7]), ['x']],
      bools: [true, false],
    })
  })

  it('records other element types without using them', async () => {
    const file = await open(fixture('integers.gguf'))
    expect(file.unsupported.get('blk.0.attn_q.weight')).toMatchObject({ type: 'I8', shape: [32, 32] })
    expect(file.tensors.has('blk.0.attn_norm.weight')).toBe(true)
  })

  it('reads a number without a dimension, as gguf 0.19.0 for Python writes it and llama.cpp reads it', async () => {
    const values = new Uint8Array(new Float32Array([0.5, ...new Array(7).fill(0), 2, 3]).buffer)
    const header = make({ tensors: [tensor('lone', [], 0), tensor('row', [2], 32)] })
    const file = await open(concat(header, values))
    expect([...file.tensors.values()].map(({ shape }) => shape)).toEqual([[1], [2]])
    const [lone, row] = ['lone', 'row'].map((name) => file.tensors.get(name)!)
    expect(decodeToF32('f32', await file.read(lone!, 0, 4))).toEqual(new Float32Array([0.5]))
    expect(decodeToF32('f32', await file.read(row!, 0, 8))).toEqual(new Float32Array([2, 3]))
  })

  it('reads a long header in growing pieces and nothing of the tensors', async () => {
    const tokens = Array.from({ length: 120_000 }, (_, i) => ggufString(`token ${i}`))
    const bytes = make({
      pairs: [pair('tokens', ARRAY, array(STRING, tokens.length, join(tokens)))],
      tensors: [tensor('a', [32, 1024 * 1024], 0)],
    })
    const data = 128 * 1024 * 1024
    const asked: [number, number][] = []
    const file = await openGguf(
      customReader('long.gguf', {
        size: bytes.byteLength + data,
        read(offset, length) {
          asked.push([offset, length])
          return concat(
            bytes.slice(offset, offset + length),
            new Uint8Array(Math.max(0, offset + length - bytes.length)),
          )
        },
      }),
    )
    expect((file.metadata.get('tokens') as string[])[119_999]).toBe('token 119999')
    expect(asked.length).toBeLessThan(8)
    expect(asked.reduce((sum, [, length]) => sum + length, 0)).toBeLessThan(8 * 1024 * 1024)
  })
})

describe('hostile GGUFs', () => {
  const huge = 2n ** 62n
  const cases: [what: string, bytes: Uint8Array, fact: RegExp, tensor?: string][] = [
    ['an empty file', new Uint8Array(0), /the header needs 24 bytes/],
    ['another magic', concat(text('GGML'), new Uint8Array(40)), /does not begin with "GGUF"/],
    ['version 1', make({ version: 1 }), /version 1;/],
    ['version 4', make({ version: 4 }), /version 4;/],
    ['big-endian', make({ version: 0x03000000 }), /big-endian/],
    ['2^62 keys', make({ pairCount: huge, dataBytes: 99 }), /claims 4611686018427387904 metadata keys/],
    ['more keys than bytes', make({ pairCount: 9, dataBytes: 99 }), /claims 9 metadata keys/],
    ['2^62 tensors', make({ tensorCount: huge, dataBytes: 99 }), /claims 4611686018427387904 tensors/],
    ['more tensors than bytes', make({ tensorCount: 5, dataBytes: 99 }), /claims 5 tensors/],
    [
      'a key of 2^62 bytes',
      make({ pairCount: 1, pairs: [u64(huge), new Uint8Array(9)] }),
      /claims 1 metadata|string of/,
    ],
    ['a string of 2^62 bytes', make({ pairs: [pair('k', STRING, u64(huge))] }), /"k" claims a string of/],
    ['a string past the end', make({ pairs: [pair('k', STRING, u64(5000))] }), /"k" needs 5000 bytes/],
    ['an array of 2^62', make({ pairs: [pair('k', ARRAY, array(4, huge))] }), /"k" claims an array of 46116/],
    ['an array past the end', make({ pairs: [pair('k', ARRAY, array(4, 4000))] }), /an array of 4000 items/],
    ['strings past the end', make({ pairs: [pair('k', ARRAY, array(STRING, 4000))] }), /an array of 4000 items/],
    [
      'arrays of arrays of arrays',
      make({ pairs: [pair('k', ARRAY, array(ARRAY, 1, array(ARRAY, 1, array(ARRAY, 0))))] }),
      /nests arrays/,
    ],
    ['an unknown value type', make({ pairs: [pair('k', 13, u64(0))] }), /unknown value type 13/],
    ['an unknown item type', make({ pairs: [pair('k', ARRAY, array(77, 1, u64(0)))] }), /unknown value type 77/],
    ['a boolean of 2', make({ pairs: [pair('k', 7, Uint8Array.of(2))] }), /boolean of value 2/],
    ['equal keys', make({ pairs: [pair('k', 4, u32(1)), pair('k', 4, u32(2))] }), /"k" occurs twice/],
    ['a key that is no UTF-8', make({ pairs: [concat(ggufString(Uint8Array.of(0xff)), u32(4), u32(4))] }), /not UTF-8/],
    ['alignment 0', make({ pairs: [pair('general.alignment', 4, u32(0))] }), /alignment is 0/],
    ['alignment 24', make({ pairs: [pair('general.alignment', 4, u32(24))] }), /alignment is 24, not a power of two/],
    ['alignment 2^31', make({ pairs: [pair('general.alignment', 4, u32(2 ** 31))] }), /not a power of two up to/],
    [
      'alignment as text',
      make({ pairs: [pair('general.alignment', STRING, ggufString('32'))] }),
      /alignment is 32, not/,
    ],
    ['five dimensions', make({ tensors: [tensor('a', [1, 1, 1, 1, 1], 0)], dataBytes: 64 }), /has 5 dimensions/, 'a'],
    [
      '2^32 - 1 dimensions',
      concat(make({ tensorCount: 1 }).slice(0, 24), ggufString('a'), u32(2 ** 32 - 1), new Uint8Array(64)),
      /has 4294967295 dim/,
      'a',
    ],
    ['a dimension of zero', make({ tensors: [tensor('a', [4, 0], 0)], dataBytes: 64 }), /dimension of 0/, 'a'],
    ['a dimension of 2^63', make({ tensors: [tensor('a', [2n ** 63n], 0)], dataBytes: 64 }), /dimension of 92233/, 'a'],
    ['a product that overflows', make({ tensors: [tensor('a', [2 ** 40, 2 ** 40], 0)] }), /too many elements/, 'a'],
    ['an unknown element type', make({ tensors: [tensor('a', [4], 0, 4)], dataBytes: 64 }), /element type 4$/, 'a'],
    ['half a block', make({ tensors: [tensor('a', [48, 2], 0, 8)], dataBytes: 999 }), /rows of 48 are no whole/, 'a'],
    ['a crooked offset', make({ tensors: [tensor('a', [4], 16)], dataBytes: 64 }), /offset 16 is no multiple/, 'a'],
    ['an offset past the end', make({ tensors: [tensor('a', [4], 64)], dataBytes: 64 }), /but the file has/, 'a'],
    ['an offset of 2^63', make({ tensors: [tensor('a', [4], 2n ** 63n)], dataBytes: 64 }), /but the file has/, 'a'],
    ['data cut short', make({ tensors: [tensor('a', [32], 0)], dataBytes: 127 }), /takes 128 bytes/, 'a'],
    [
      'overlapping tensors',
      make({ tensors: [tensor('a', [16], 0), tensor('b', [4], 32)], dataBytes: 96 }),
      /overlap those of a/,
      'b',
    ],
    ['equal names', make({ tensors: [tensor('a', [4], 0), tensor('a', [4], 32)], dataBytes: 96 }), /occurs twice/, 'a'],
  ]
  it.each(cases)('refuses %s', async (...[, bytes, fact, name]) => {
    const error = await refusal(() => open(bytes))
    expect(error.fact).toMatch(fact)
    expect(error.file).toBe('x.gguf')
    if (name !== undefined) expect(error.tensor).toBe(name)
  })

  it('spends no memory on claims, even in a file that says it is huge', async () => {
    const claims = [
      make({ pairs: [pair('k', ARRAY, array(4, 4_000_001_000))] }),
      make({ pairs: [pair('k', ARRAY, array(STRING, 2 ** 40))] }),
      make({ pairs: [pair('k', STRING, u64(2 ** 34))] }),
      make({ tensorCount: 2 ** 40 }),
      make({ pairCount: 2 ** 40 }),
    ]
    const before = process.memoryUsage()
    for (const bytes of claims) {
      const read = (offset: number, length: number) => {
        const out = new Uint8Array(length)
        out.set(bytes.subarray(offset, offset + length))
        return out
      }
      await refusal(() => openGguf(customReader('x.gguf', { size: 2 ** 45, read })))
    }
    const after = process.memoryUsage()
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024)
  })

  it('answers every damaged file with a verdict, quickly', { timeout: patience(60_000) }, async () => {
    const sound = fixture('mixed.gguf')
    const header = (await open(sound)).tensors.get('token_embd.weight')!.byteOffset
    const before = process.memoryUsage().heapUsed
    let parsed = 0
    const check = async (file: GgufFile) => {
      parsed++
      for (const info of file.tensors.values()) await file.read(info, 0, info.byteLength)
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(header - 1), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }),
        fc.option(fc.nat(sound.byteLength), { nil: undefined, freq: 3 }),
        async (flips, cut) => {
          const bytes = sound.slice(0, cut ?? sound.byteLength)
          for (const [at, mask] of flips) if (at < bytes.length) bytes[at] = bytes[at]! ^ mask
          const file = await verdict(() => open(bytes))
          if (file !== undefined) await check(file)
        },
      ),
      { numRuns: 600, seed: 1 },
    )
    expect(parsed).toBeGreaterThan(20)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 * 1024)
  })
})
