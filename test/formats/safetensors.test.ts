/** safetensors headers, sound and hostile. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeToF32 } from '../../src/formats/blocks.ts'
import { bytesReader, customReader } from '../../src/formats/byte-reader.ts'
import { openSafetensors } from '../../src/formats/safetensors.ts'
import { patience } from '../support/patience.ts'
import { concat, fixture, fixtureJson, floats, refusal, safetensors, text, u64, verdict } from './helpers.ts'

const open = (bytes: Uint8Array) => openSafetensors(bytesReader('x.safetensors', bytes))
const f32 = (shape: readonly number[], begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
})

describe('openSafetensors', () => {
  it('reads what the safetensors library wrote', async () => {
    const expected = fixtureJson('expected.json')
    const file = await open(fixture('hf-f16/model.safetensors'))
    const info = file.tensors.get(expected.probe as string)!
    expect(info).toMatchObject({ dtype: 'f16', shape: [12, 32], byteLength: 768, file: 'x.safetensors' })
    expect(decodeToF32('f16', await file.read(info, 0, 768))).toEqual(floats(expected.f16))
    const part = await file.read(info, 64, 128)
    expect(decodeToF32('f16', part)).toEqual(floats(expected.f16).subarray(32, 96))
    expect((await refusal(() => file.read(info, 700, 100))).tensor).toBe(expected.probe)
  })

  it('records other element types without using them', async () => {
    const file = await open(
      safetensors({
        __metadata__: { format: 'pt', more: '{"x": "é \\" }' },
        a: { dtype: 'F8_E4M3', shape: [4, 2], data_offsets: [0, 8] },
        b: { dtype: 'FUTURE', shape: [3], data_offsets: [8, 9], extra: [{ x: [1.5e3, null, true] }] },
        c: { dtype: 'BF16', shape: [], data_offsets: [10, 12] },
        d: { dtype: 'F16', shape: [0, 4], data_offsets: [12, 12] },
        ['__proto__']: f32([1], 12, 16),
      }),
    )
    expect([...file.unsupported.values()].map((t) => t.type)).toEqual(['F8_E4M3', 'FUTURE'])
    expect(file.tensors.get('c')).toMatchObject({ dtype: 'bf16', shape: [], byteLength: 2 })
    expect(file.tensors.get('d')?.byteLength).toBe(0)
    expect(file.tensors.get('__proto__')?.byteLength).toBe(4)
  })

  const hostile: [what: string, bytes: Uint8Array, fact: RegExp, tensor?: string][] = [
    ['an empty file', new Uint8Array(0), /0 bytes/],
    ['a header length of 2^63', concat(u64(2n ** 63n), new Uint8Array(20)), /9223372036854775808/],
    ['a header longer than the file', concat(u64(1000), text('{}')), /1000 bytes, but the file has 10/],
    ['a header that is no JSON', safetensors('hello'), /bad header/],
    ['a header that is an array', safetensors('[]'), /"\{" is expected/],
    ['a header cut short', safetensors('{"a":{"dtype":"F32","shape":[4'), /bad header/, 'a'],
    ['text after the header', safetensors('{} x'), /follows the end/],
    ['bytes that are no UTF-8', concat(u64(2), Uint8Array.of(0xff, 0xfe)), /UTF-8/],
    [
      'equal keys',
      safetensors(`{"a":${JSON.stringify(f32([1], 0, 4))},"a":${JSON.stringify(f32([1], 0, 4))}}`),
      /"a" occurs twice/,
    ],
    ['equal keys in an entry', safetensors('{"a":{"dtype":"F32","dtype":"F16"}}'), /"dtype" occurs twice/, 'a'],
    ['equal keys after unescaping', safetensors('{"__metadata__":{"a":"","\\u0061":""}}'), /"a" occurs twice/],
    ['an entry that is a number', safetensors({ a: 5 }), /"\{" is expected/, 'a'],
    ['no dtype', safetensors({ a: { shape: [1], data_offsets: [0, 4] } }), /no dtype/, 'a'],
    ['a dtype that is a number', safetensors({ a: { ...f32([1], 0, 4), dtype: 1 } }), /string is expected/, 'a'],
    ['no shape', safetensors({ a: { dtype: 'F32', data_offsets: [0, 4] } }), /no shape/, 'a'],
    ['one offset', safetensors({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }), /two numbers/, 'a'],
    ['offsets turned round', safetensors({ a: f32([1], 8, 4) }), /begin at 8 and end before/, 'a'],
    ['offsets past the end', safetensors({ a: f32([17], 0, 68) }), /end at 68, but the file holds 64/, 'a'],
    ['a negative offset', safetensors({ a: f32([1], -4, 0) }), /"-4" is not a whole number/, 'a'],
    ['a fraction', safetensors('{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}'), /"1\.5"/, 'a'],
    ['an exponent', safetensors('{"a":{"dtype":"F32","shape":[1e99],"data_offsets":[0,4]}}'), /"1e99"/, 'a'],
    ['a number beyond 2^53', safetensors('{"a":{"dtype":"F32","shape":[9007199254740993]}}'), /2\^53/, 'a'],
    ['a shape that overflows', safetensors({ a: f32([2 ** 40, 2 ** 40], 0, 4) }), /too many elements/, 'a'],
    ['an overflow behind a zero', safetensors({ a: f32([0, 2 ** 40, 2 ** 40], 0, 0) }), /too many elements/, 'a'],
    [
      'a size that is not the shape',
      safetensors({ a: f32([4], 0, 12) }),
      /takes 16 bytes, data_offsets give it 12/,
      'a',
    ],
    ['overlapping tensors', safetensors({ a: f32([4], 0, 16), b: f32([4], 12, 28) }), /overlap those of a/, 'b'],
    ['one tensor inside another', safetensors({ a: f32([8], 0, 32), b: f32([1], 4, 8) }), /overlap those of a/, 'b'],
    ['nine dimensions', safetensors({ a: f32([1, 1, 1, 1, 1, 1, 1, 1, 1], 0, 4) }), /more than 8 items/, 'a'],
    ['deep nesting', safetensors(`{"__metadata__":${'['.repeat(5000)}`), /nested more than 16/],
  ]
  it.each(hostile)('refuses %s', async (...[, bytes, fact, tensor]) => {
    const error = await refusal(() => open(bytes))
    expect(error.fact).toMatch(fact)
    expect(error.file).toBe('x.safetensors')
    if (tensor !== undefined) expect(error.tensor).toBe(tensor)
  })

  it('does not read more than eight bytes of a file whose header cannot be true', async () => {
    const asked: number[] = []
    const reader = customReader('big.safetensors', {
      size: 2 ** 50,
      read(_, length) {
        asked.push(length)
        return u64(100_000_001)
      },
    })
    expect((await refusal(() => openSafetensors(reader))).fact).toMatch(/limit is 100000000/)
    expect(asked).toEqual([8])
  })

  it('answers every damaged file with a verdict, quickly', { timeout: patience(60_000) }, async () => {
    const sound = fixture('hf-mixed-tied/model.safetensors')
    const header = 8 + Number(new DataView(sound.buffer).getBigUint64(0, true))
    let parsed = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(header - 1), fc.integer({ min: 1, max: 255 })), { maxLength: 4 }),
        fc.option(fc.nat(sound.byteLength), { nil: undefined }),
        async (flips, cut) => {
          const bytes = sound.slice(0, cut ?? sound.byteLength)
          for (const [at, mask] of flips) if (at < bytes.length) bytes[at] = bytes[at]! ^ mask
          const file = await verdict(() => open(bytes))
          if (file === undefined) return
          parsed++
          for (const info of file.tensors.values()) await file.read(info, 0, info.byteLength)
        },
      ),
      { numRuns: 600, seed: 1 },
    )
    expect(parsed).toBeGreaterThan(5)
  })
})
