/** Changes of GGUFs: of any number of the header, and of whole pairs and tensors in a file that is well-formed otherwise. */
import { concat, ggufString, join, u32, u64 } from '../../formats/helpers.ts'
import { type Bytes, putLimit } from './bytes.ts'
import { LIMITS, type Random } from './random.ts'

const TYPE_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
}

interface Field {
  readonly at: number
  readonly size: number
}
interface Pair {
  readonly key: Bytes
  /** Type and value. */
  readonly value: Bytes
}
interface Tensor {
  readonly name: Bytes
  readonly dims: readonly bigint[]
  readonly type: number
  readonly offset: bigint
}

/** A sound GGUF taken apart. */
interface Parts {
  /** Where the numbers of the header are: counts, lengths, types, dimensions, offsets, values. */
  readonly fields: readonly Field[]
  readonly pairs: Pair[]
  readonly tensors: Tensor[]
  readonly headerBytes: number
  readonly data: Bytes
}

class Walker {
  readonly fields: Field[] = []
  at = 0
  private readonly view: DataView

  constructor(readonly bytes: Bytes) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u32(): number {
    this.fields.push({ at: this.at, size: 4 })
    this.at += 4
    return this.view.getUint32(this.at - 4, true)
  }

  u64(): bigint {
    this.fields.push({ at: this.at, size: 8 })
    this.at += 8
    return this.view.getBigUint64(this.at - 8, true)
  }

  text(): Bytes {
    const start = this.at
    const length = Number(this.u64())
    this.at += length
    return this.bytes.slice(start, this.at)
  }

  value(type: number): void {
    if (type === 8) this.text()
    else if (type === 9) {
      const item = this.u32()
      for (let i = this.u64(); i > 0n; i--) this.value(item)
    } else {
      this.fields.push({ at: this.at, size: TYPE_BYTES[type]! })
      this.at += TYPE_BYTES[type]!
    }
  }
}

const taken = new WeakMap<Bytes, Parts>()

function partsOf(bytes: Bytes): Parts {
  const known = taken.get(bytes)
  if (known !== undefined) return known
  const walker = new Walker(bytes)
  walker.u32()
  walker.u32()
  const [tensorCount, pairCount] = [walker.u64(), walker.u64()]
  const pairs = Array.from({ length: Number(pairCount) }, () => {
    const key = walker.text()
    const start = walker.at
    walker.value(walker.u32())
    return { key, value: bytes.slice(start, walker.at) }
  })
  const tensors = Array.from({ length: Number(tensorCount) }, () => ({
    name: walker.text(),
    dims: Array.from({ length: walker.u32() }, () => walker.u64()),
    type: walker.u32(),
    offset: walker.u64(),
  }))
  const headerBytes = walker.at
  const data = bytes.slice(Math.ceil(headerBytes / 32) * 32)
  const parts = { fields: walker.fields, pairs, tensors, headerBytes, data }
  taken.set(bytes, parts)
  return parts
}

/** The bytes before the data. */
export function ggufHead(bytes: Bytes): number {
  return partsOf(bytes).headerBytes
}

export function mutateGguf(bytes: Bytes, random: Random): Bytes {
  const parts = partsOf(bytes)
  if (random.chance(0.4)) {
    const out = bytes.slice()
    for (let i = random.pick([1, 1, 1, 2, 4]); i > 0; i--) {
      const { at, size } = random.pick(parts.fields)
      if (random.chance(0.6)) putLimit(out, at, random, size)
      else out[at]! += random.pick([1, 255, 2, 8, 32])
    }
    return out
  }
  const pairs = [...parts.pairs]
  const tensors = [...parts.tensors]
  for (let i = random.pick([1, 1, 2]); i > 0; i--) {
    if (pairs.length > 0 && (tensors.length === 0 || random.chance(0.6))) changePairs(pairs, random)
    else if (tensors.length > 0) changeTensors(tensors, random)
  }
  return fileOf(pairs, tensors, parts.data)
}

function fileOf(pairs: readonly Pair[], tensors: readonly Tensor[], data: Bytes): Bytes {
  const head = concat(
    new TextEncoder().encode('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(pairs.length),
    join(pairs.flatMap(({ key, value }) => [key, value])),
    join(
      tensors.flatMap(({ name, dims, type, offset }) => [
        name,
        u32(dims.length),
        ...dims.map(u64),
        u32(type),
        u64(offset),
      ]),
    ),
  )
  return concat(head, new Uint8Array(-head.length & 31), data)
}

function changePairs(pairs: Pair[], random: Random): void {
  const at = random.below(pairs.length)
  const { key, value } = pairs[at]!
  const other = random.pick(pairs)
  switch (random.below(6)) {
    case 0:
      pairs.splice(at, 1)
      return
    case 1:
      pairs.splice(at, 0, { key: random.chance(0.3) ? key : ggufString('extra'), value: other.value })
      return
    case 2:
      pairs[at] = { key, value: other.value }
      return
    case 3:
      pairs[at] = { key: other.key, value }
      return
    default:
      pairs[at] = { key, value: oddValue(random) }
  }
}

function oddValue(random: Random): Bytes {
  const repeat = (item: Uint8Array, count: number) => join(Array.from({ length: count }, () => item))
  const limit = () => u64(BigInt.asUintN(64, random.pick(LIMITS)))
  switch (random.below(10)) {
    case 0:
      return concat(u32(8), ggufString(random.pick(['', 'a', 'llama', 'gpt2', '\ufeff', 'default', 'tekken', '-1'])))
    case 1:
      return concat(u32(random.pick([10, 11, 12])), limit())
    case 2:
      return concat(
        u32(6),
        new Uint8Array(Float32Array.of(random.pick([Number.NaN, Infinity, -1, 0, 1e-45, 3e38])).buffer),
      )
    case 3:
      return concat(u32(random.pick([4, 5])), limit().subarray(0, 4))
    case 4:
      return concat(u32(9), u32(8), u64(20_000), repeat(ggufString(random.pick(['', 'a', '<s>'])), 20_000))
    case 5:
      return concat(
        u32(9),
        u32(random.pick([4, 5, 6])),
        u64(50_000),
        new Uint8Array(200_000).fill(random.pick([0, 255])),
      )
    case 6:
      return concat(u32(9), u32(9), u64(4000), repeat(concat(u32(8), u64(1), ggufString('a')), 4000))
    case 7:
      return concat(u32(7), Uint8Array.of(random.below(3)))
    case 8:
      return concat(u32(8), ggufString(random.pick(['{', '[', '{% for a in b %}', 'a']).repeat(30_000)))
    default:
      return concat(u32(9), u32(random.below(14)), u64(0))
  }
}

function changeTensors(tensors: Tensor[], random: Random): void {
  const at = random.below(tensors.length)
  const one = tensors[at]!
  const other = random.pick(tensors)
  const size = () => random.pick([...LIMITS, ...one.dims, 64n, 48n])
  switch (random.below(7)) {
    case 0:
      tensors.splice(at, 1)
      return
    case 1:
      tensors.push(random.chance(0.5) ? one : { ...one, name: ggufString(`extra.${random.below(9)}`) })
      return
    case 2:
      tensors[at] = { ...one, name: other.name }
      return
    case 3:
      tensors[at] = { ...one, dims: Array.from({ length: random.below(6) }, size) }
      return
    case 4:
      tensors[at] = { ...one, dims: one.dims.map((dim) => (random.chance(0.5) ? size() : dim)) }
      return
    case 5:
      tensors[at] = { ...one, type: random.pick([other.type, random.below(42)]) }
      return
    default:
      tensors[at] = { ...one, offset: random.pick([other.offset, one.offset + 32n, one.offset + 1n, ...LIMITS]) }
  }
}
