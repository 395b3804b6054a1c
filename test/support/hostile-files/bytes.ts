/** What can happen to any file: bits that flip, bytes that are lost, come twice, or are those of another file. */
import { concat } from '../../formats/helpers.ts'
import { LIMITS, type Random } from './random.ts'

export type Bytes = Uint8Array<ArrayBuffer>

/**
 * @param head most changes are among so many first bytes
 * @param other a file to splice in
 */
export function mutateBytes(bytes: Bytes, random: Random, head = bytes.length, other: Bytes = bytes): Bytes {
  const span = Math.max(1, Math.min(bytes.length, random.chance(0.9) ? head : bytes.length))
  const at = Math.min(random.below(span + 1), bytes.length)
  const length = Math.min(bytes.length - at, 1 + random.below(random.chance(0.8) ? 16 : 4096))
  const out = bytes.slice()
  switch (random.below(9)) {
    case 0:
      for (let i = random.below(4); i >= 0; i--) out[random.below(span)]! ^= 1 << random.below(8)
      return out
    case 1:
      for (let i = random.below(4); i >= 0; i--) out[random.below(span)] = random.pick([0, 255, 128, random.below(256)])
      return out
    case 2:
      return bytes.slice(0, at)
    case 3:
      return concat(bytes.subarray(0, at), bytes.subarray(at + length))
    case 4:
      return concat(bytes.subarray(0, at + length), bytes.subarray(at))
    case 5:
      return concat(bytes, new Uint8Array(random.below(100_000)).fill(random.pick([0, 32, 255])))
    case 6:
      return putLimit(out, at, random)
    case 7:
      return concat(bytes.subarray(0, at), other.subarray(Math.min(other.length, random.below(2 * span))))
    default:
      return out.fill(random.pick([0, 255, 32, 0x22]), at, at + length)
  }
}

/** A little-endian number at one of its limits, in place of what is there. */
export function putLimit(bytes: Bytes, at: number, random: Random, size = random.pick([4, 8])): Bytes {
  const value = BigInt.asUintN(8 * size, random.pick(LIMITS))
  for (let i = 0; i < size && at + i < bytes.length; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 255n)
  return bytes
}
