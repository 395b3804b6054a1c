/** The head of a GGUF that is being written: metadata and the table of tensors. Format: as `gguf.ts` reads it. */

/** A key with its value, of a type that new files need. */
export type GgufPair =
  | { readonly key: string; readonly type: 'u32' | 'f32'; readonly value: number }
  | { readonly key: string; readonly type: 'bool'; readonly value: boolean }
  | { readonly key: string; readonly type: 'string'; readonly value: string }
  | { readonly key: string; readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly key: string; readonly type: 'i32s' | 'f32s'; readonly value: readonly number[] }

/** The tensors' types that are written, by their numbers. */
const TENSOR_TYPES = { f32: 0, q4_0: 2, q8_0: 8, q4_k: 12, q6_k: 14 } as const
export type NewTensorType = keyof typeof TENSOR_TYPES

/** A tensor of a file that is being written. */
export interface NewTensor {
  readonly name: string
  /** Outermost first. */
  readonly shape: readonly number[]
  readonly type: NewTensorType
  readonly byteLength: number
}

/** Tensors begin at multiples of it: the default, which needs no key. */
export const ALIGNMENT = 32

const VALUE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const
const utf8 = new TextEncoder()

/** A pair as it lies in the file. */
export function encodePair(pair: GgufPair): Uint8Array {
  return joined([string(pair.key), ...encodedValue(pair)])
}

function encodedValue(pair: GgufPair): Uint8Array[] {
  switch (pair.type) {
    case 'u32':
      return [u32(VALUE.u32), u32(pair.value)]
    case 'f32':
      return [u32(VALUE.f32), bytesOf(Float32Array.of(pair.value))]
    case 'bool':
      return [u32(VALUE.bool), Uint8Array.of(pair.value ? 1 : 0)]
    case 'string':
      return [u32(VALUE.string), string(pair.value)]
    case 'strings':
      return [...array(VALUE.string, pair.value.length), ...pair.value.map(string)]
    case 'i32s':
      return [...array(VALUE.i32, pair.value.length), bytesOf(Int32Array.from(pair.value))]
    case 'f32s':
      return [...array(VALUE.f32, pair.value.length), bytesOf(Float32Array.from(pair.value))]
  }
}

function array(type: number, length: number): Uint8Array[] {
  return [u32(VALUE.array), u32(type), u64(length)]
}

/**
 * Everything before the tensors' data, which follow in order, each padded to {@link ALIGNMENT}.
 * @param pairs as `encodePair` makes them
 */
export function ggufHead(pairs: readonly Uint8Array[], tensors: readonly NewTensor[]): Uint8Array {
  const parts = [utf8.encode('GGUF'), u32(3), u64(tensors.length), u64(pairs.length), ...pairs]
  let offset = 0
  for (const { name, shape, type, byteLength } of tensors) {
    parts.push(string(name), u32(shape.length), ...shape.toReversed().map(u64), u32(TENSOR_TYPES[type]), u64(offset))
    offset += byteLength + paddingAfter(byteLength)
  }
  const head = joined(parts)
  return joined([head, new Uint8Array(paddingAfter(head.byteLength))])
}

/** Zeros that follow so many bytes. */
export function paddingAfter(bytes: number): number {
  return (ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT
}

function string(text: string): Uint8Array {
  const bytes = utf8.encode(text)
  return joined([u64(bytes.byteLength), bytes])
}

function u32(value: number): Uint8Array {
  return bytesOf(Uint32Array.of(value))
}

function u64(value: number): Uint8Array {
  return bytesOf(BigUint64Array.of(BigInt(value)))
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.byteLength
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}
