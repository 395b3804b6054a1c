/** Fixtures of the tokenizer, and comparisons with what the reference libraries gave. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { parseJson } from '../../src/json/parse.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'

const FIXTURES = new URL('../fixtures/tokenizer/', import.meta.url)

export interface EncodeVectors {
  /** Base64 of one little-endian FNV-1a (32 bit, over ids as u32) per string. */
  hashes: string
  /** The ids of the first strings. */
  ids: number[][]
}

export type DecodeVectors = [number[], string][]

export function fixtureBytes(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(name, FIXTURES)))
}

export function fixture<T>(name: string): T {
  return JSON.parse(gunzipSync(fixtureBytes(name)).toString('utf8')) as T
}

/** As {@link fixture}, with the order of keys and the kinds of numbers that the file has. */
export function losslessFixture<T>(name: string): T {
  return parseJson(gunzipSync(fixtureBytes(name)).toString('utf8')) as T
}

export function fnv1a(ids: readonly number[]): number {
  let value = 0x811c9dc5
  for (const id of ids) {
    for (let shift = 0; shift < 32; shift += 8) value = Math.imul(value ^ ((id >>> shift) & 0xff), 0x01000193)
  }
  return value >>> 0
}

/** Compares the ids of every string; a failure shows the first strings that differ. */
export function expectEncodes(tokenizer: Tokenizer, strings: readonly string[], vectors: EncodeVectors): void {
  for (const [i, ids] of vectors.ids.entries()) {
    expect(tokenizer.encode(strings[i] as string), JSON.stringify(strings[i])).toEqual(ids)
  }
  const hashes = Buffer.from(vectors.hashes, 'base64')
  expect(hashes.length).toBe(strings.length * 4)
  const wrong: { string: string; ids: number[] }[] = []
  for (const [i, string] of strings.entries()) {
    const ids = tokenizer.encode(string)
    if (fnv1a(ids) !== hashes.readUInt32LE(i * 4)) wrong.push({ string, ids })
  }
  expect(wrong.slice(0, 5), `${wrong.length} of ${strings.length} strings differ`).toEqual([])
}

/** Compares one-shot decoding, and streaming in pieces. */
export function expectDecodes(tokenizer: Tokenizer, vectors: DecodeVectors): void {
  expect(vectors.length).toBeGreaterThan(100)
  for (const [ids, text] of vectors) {
    expect(tokenizer.decode(ids), JSON.stringify(ids)).toBe(text)
    const stream = tokenizer.stream()
    expect(ids.map((id) => stream.push(id)).join('') + stream.flush()).toBe(text)
  }
}
