/** Changes of protocol buffers: fields that are gone, twice, of another type, or longer than they say. */
import { concat, join } from '../../formats/helpers.ts'
import { type Bytes, mutateBytes } from './bytes.ts'
import { LIMITS, type Random } from './random.ts'

interface Field {
  readonly tag: number
  readonly wire: number
  /** The value; of wire type 2 without its length. */
  readonly value: Bytes
}

function varint(value: bigint): Bytes {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0))
    if (rest <= 127n) return Uint8Array.from(bytes)
  }
}

function fieldsOf(bytes: Bytes): Field[] | undefined {
  const fields: Field[] = []
  let at = 0
  const number = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      value += (byte & 127) * 2 ** shift
      if (!(byte & 128)) return value
    }
  }
  while (at < bytes.length) {
    const head = number()
    const [tag, wire] = [head >>> 3, head & 7]
    const start = at
    if (wire === 0) number()
    else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else if (wire === 2) {
      const length = number()
      fields.push({ tag, wire, value: bytes.slice(at, at + length) })
      at += length
      continue
    } else return undefined
    fields.push({ tag, wire, value: bytes.slice(start, at) })
  }
  return at === bytes.length && fields.every(({ tag }) => tag > 0) ? fields : undefined
}

function bytesOf({ tag, wire, value }: Field, length = BigInt(value.length)): Bytes {
  const head = varint(BigInt(tag * 8 + wire))
  return wire === 2 ? concat(head, varint(length), value) : concat(head, value)
}

export function mutateProtobuf(bytes: Bytes, random: Random, depth = 0): Bytes {
  const fields = bytes.length > 0 ? fieldsOf(bytes) : undefined
  if (fields === undefined || fields.length === 0 || depth > 2) return mutateBytes(bytes, random)
  // The few fields behind the many pieces of a vocabulary matter as much.
  const rare = fields.flatMap(({ tag }, i) => (tag === 1 ? [] : [i]))
  const at = rare.length > 0 && random.chance(0.5) ? random.pick(rare) : random.below(fields.length)
  const one = fields[at]!
  const parts = fields.map((field) => bytesOf(field))
  const put = (value: Bytes) => join(parts.with(at, value))
  switch (random.below(9)) {
    case 0:
      return join(parts.toSpliced(at, 1))
    case 1:
      return join(parts.toSpliced(random.below(parts.length), 0, parts[at]!))
    case 2:
      return put(bytesOf(one, random.pick(LIMITS)))
    case 3:
      return put(bytesOf({ ...one, wire: random.below(8) }))
    case 4:
      return put(bytesOf({ ...one, tag: random.pick([0, 1, 2, 3, 15, 536_870_911, random.pick(fields).tag]) }))
    case 5:
      return put(
        one.wire === 0 ? bytesOf({ ...one, value: varint(random.pick(LIMITS)) }) : bytesOf(random.pick(fields)),
      )
    case 6:
      return join(parts.toSpliced(at, 0, ...Array.from({ length: random.pick([2, 300, 20_000]) }, () => parts[at]!)))
    default:
      return put(bytesOf(one.wire === 2 ? { ...one, value: mutateProtobuf(one.value, random, depth + 1) } : one))
  }
}
