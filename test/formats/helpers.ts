/** Builders of small files, sound and hostile. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { CheckpointError } from '../../src/errors.ts'

export const FIXTURES = fileURLToPath(new URL('../fixtures/formats/', import.meta.url))

export function fixture(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(FIXTURES + name))
}

export function fixtureJson(name: string): Record<string, unknown> {
  const bytes = readFileSync(FIXTURES + name)
  return JSON.parse((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString())
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
}

export function floats(text: unknown): Float32Array {
  return new Float32Array(fromBase64(text as string).buffer)
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return join(parts)
}

/** {@link concat} for more parts than a call may have arguments. */
export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.byteLength
  }
  return out
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer)
}

export function u64(value: number | bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([BigInt(value)]).buffer)
}

export function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value)
}

export function ggufString(value: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = typeof value === 'string' ? text(value) : value
  return concat(u64(bytes.byteLength), bytes)
}

/** A safetensors file with this header, as text or as an object, and this much data. */
export function safetensors(header: unknown, dataBytes = 64): Uint8Array<ArrayBuffer> {
  const json = text(typeof header === 'string' ? header : JSON.stringify(header))
  return concat(u64(json.byteLength), json, new Uint8Array(dataBytes))
}

export interface GgufTensorSpec {
  name: string
  /** Innermost first, as in the file. */
  dims: readonly (number | bigint)[]
  type?: number
  offset: number | bigint
}

/** A GGUF of these parts. `pairs` are whole key-value pairs, each made by {@link pair}. */
export function gguf(spec: {
  version?: number
  pairs?: readonly Uint8Array[]
  pairCount?: number | bigint
  tensors?: readonly GgufTensorSpec[]
  tensorCount?: number | bigint
  dataBytes?: number
  alignment?: number
}): Uint8Array<ArrayBuffer> {
  const pairs = spec.pairs ?? []
  const tensors = spec.tensors ?? []
  const head = concat(
    text('GGUF'),
    u32(spec.version ?? 3),
    u64(spec.tensorCount ?? tensors.length),
    u64(spec.pairCount ?? pairs.length),
    ...pairs,
    ...tensors.map(({ name, dims, type, offset }) =>
      concat(ggufString(name), u32(dims.length), ...dims.map(u64), u32(type ?? 0), u64(offset)),
    ),
  )
  const alignment = spec.alignment ?? 32
  const padding = (alignment - (head.byteLength % alignment)) % alignment
  return concat(head, new Uint8Array(padding + (spec.dataBytes ?? 0)))
}

/** One key with a value of the given type number; `value` is the encoded value. */
export function pair(key: string, type: number, value: Uint8Array): Uint8Array {
  return concat(ggufString(key), u32(type), value)
}

/** An array value: element type, claimed length, the encoded items. */
export function array(type: number, length: number | bigint, ...items: readonly Uint8Array[]): Uint8Array {
  return concat(u32(type), u64(length), ...items)
}

/** Runs, and gives back the CheckpointError that must come. */
export async function refusal(run: () => Promise<unknown>): Promise<CheckpointError> {
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CheckpointError)
  return error as CheckpointError
}

/** An error's own words: whatever a parser answers must be this or a sound result. */
export async function verdict<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof CheckpointError) return undefined
    throw error
  }
}
