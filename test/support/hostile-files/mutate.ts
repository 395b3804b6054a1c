/** One change of a file, of the kind that its format makes possible. */
import { sumOfWords } from '../../../src/formats/word-sum.ts'
import { concat, text, u32, u64 } from '../../formats/helpers.ts'
import { type Bytes, mutateBytes } from './bytes.ts'
import { ggufHead, mutateGguf } from './gguf.ts'
import { mutateJson } from './json.ts'
import { mutateProtobuf } from './protobuf.ts'
import { LIMITS, type Random } from './random.ts'

/** By the end of a file's name. */
const MUTATORS: Readonly<Record<string, (bytes: Bytes, random: Random, other: Bytes) => Bytes>> = {
  gguf: (bytes, random, other) =>
    random.chance(0.3) ? mutateBytes(bytes, random, ggufHead(bytes), other) : mutateGguf(bytes, random),
  safetensors: mutateSafetensors,
  json: (bytes, random, other) =>
    random.chance(0.2) ? mutateBytes(bytes, random, bytes.length, other) : text(mutateJson(textOf(bytes), random)),
  model: (bytes, random, other) =>
    random.chance(0.3) ? mutateBytes(bytes, random, bytes.length, other) : mutateProtobuf(bytes, random),
  cache: mutateCache,
}

/** @param other another file of the format */
export function mutate(name: string, bytes: Bytes, random: Random, other: Bytes): Bytes {
  return MUTATORS[name.slice(name.lastIndexOf('.') + 1)]!(bytes, random, other)
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function mutateSafetensors(bytes: Bytes, random: Random, other: Bytes): Bytes {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  if (random.chance(0.3)) return mutateBytes(bytes, random, 8 + length, other)
  const header = text(mutateJson(textOf(bytes.subarray(8, 8 + length)), random))
  const said = random.chance(0.05) ? random.pick(LIMITS) : header.length
  return concat(u64(said), header, bytes.subarray(8 + length))
}

/** A saved cache: its check sums are right again after most changes, since who means harm can count. */
function mutateCache(bytes: Bytes, random: Random, other: Bytes): Bytes {
  if (random.chance(0.3)) return mutateBytes(bytes, random, 200, other)
  const length = new DataView(bytes.buffer).getUint32(8, true)
  const json = text(mutateJson(textOf(bytes.subarray(16, 16 + length)), random))
  const header = concat(json, new Uint8Array(-json.length & 3).fill(32))
  const said = random.chance(0.05) ? Number(BigInt.asUintN(32, random.pick(LIMITS))) : header.length
  const head = concat(bytes.subarray(0, 8), u32(said), u32(sumOfWords(header)))
  return concat(head, header, bytes.subarray(16 + length))
}
