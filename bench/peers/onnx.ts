/** Writes ONNX models: the few messages of its protobuf format that graphs with weights need (onnx.proto, IR version 8). */

export const FLOAT = 1
export const UINT8 = 2
export const INT32 = 6
export const INT64 = 7

/** A message under way: its bytes in order. */
type Bytes = readonly Uint8Array[]

export interface OnnxNode {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Microsoft's own operators are in `com.microsoft`. */
  readonly domain?: string
  /** Whole numbers stand for `ints`; `{ float }` for the others. */
  readonly attributes?: Readonly<Record<string, number | { readonly float: number }>>
}

export interface OnnxTensor {
  readonly name: string
  readonly type: number
  readonly dims: readonly number[]
  readonly data: ArrayBufferView
}

/** A value that comes from outside, or goes there; dimensions with names may be of any size. */
export interface OnnxValue {
  readonly name: string
  readonly type: number
  readonly dims: readonly (number | string)[]
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[]
  readonly weights: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

/** The bytes of a model with this graph. */
export function onnxModel({ nodes, weights, inputs, outputs }: OnnxGraph): Uint8Array {
  const graph = [
    ...nodes.flatMap((node) => message(1, nodeOf(node))),
    ...text(2, 'graph'),
    ...weights.flatMap((tensor) => message(5, tensorOf(tensor))),
    ...inputs.flatMap((value) => message(11, externalOf(value))),
    ...outputs.flatMap((value) => message(12, externalOf(value))),
  ]
  const sets = [
    [...text(1, ''), ...int(2, 18)],
    [...text(1, 'com.microsoft'), ...int(2, 1)],
  ]
  return joined([...int(1, 8), ...message(7, graph), ...sets.flatMap((set) => message(8, set))])
}

function nodeOf({ op, inputs, outputs, domain, attributes = {} }: OnnxNode): Bytes {
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) => message(5, attributeOf(name, value))),
    ...(domain === undefined ? [] : text(7, domain)),
  ]
}

const ATTRIBUTE_FLOAT = 1
const ATTRIBUTE_INT = 2

function attributeOf(name: string, value: number | { readonly float: number }): Bytes {
  if (typeof value === 'number') return [...text(1, name), ...int(3, value), ...int(20, ATTRIBUTE_INT)]
  const bits = new Uint8Array(Float32Array.of(value.float).buffer)
  return [...text(1, name), tag(2, 5), bits, ...int(20, ATTRIBUTE_FLOAT)]
}

function tensorOf({ name, type, dims, data }: OnnxTensor): Bytes {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return [...dims.flatMap((dim) => int(1, dim)), ...int(2, type), ...text(8, name), ...message(9, [bytes])]
}

function externalOf({ name, type, dims }: OnnxValue): Bytes {
  const shape = dims.flatMap((dim) => message(1, typeof dim === 'number' ? int(1, dim) : text(2, dim)))
  return [...text(1, name), ...message(2, message(1, [...int(1, type), ...message(2, shape)]))]
}

function int(field: number, value: number): Bytes {
  return [tag(field, 0), varint(value)]
}

function text(field: number, value: string): Bytes {
  return message(field, [new TextEncoder().encode(value)])
}

function message(field: number, content: Bytes): Bytes {
  return [tag(field, 2), varint(lengthOf(content)), ...content]
}

function tag(field: number, wire: number): Uint8Array {
  return varint(field * 8 + wire)
}

/** Negative numbers have the ten bytes of 64 bits. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  return Uint8Array.of(...bytes, Number(rest))
}

function lengthOf(parts: Bytes): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
}

function joined(parts: Bytes): Uint8Array {
  const whole = new Uint8Array(lengthOf(parts))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}
