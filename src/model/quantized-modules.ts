/** The modules of FP8, AWQ, GPTQ and compressed-tensors: which tensors each is made of, and what they say. */
import { CheckpointError } from '../errors.ts'
import { rowType, spreadNibbles } from '../formats/grouped.ts'
import type { Grouping } from '../formats/row-type.ts'
import type { Quantization } from './quantization-hf.ts'
import {
  expectShape,
  type LoadedModule,
  type QuantizedModule,
  type RawTensor,
  SCALE_TYPES,
  wordsOf,
} from './quantized-rows.ts'
import type { RawTensors } from './raw-tensors.ts'

/** The tensor that every module of a method has. */
export const MAIN_TENSOR: Readonly<Record<Quantization['method'], { suffix: string; type: string }>> = {
  fp8: { suffix: '.weight', type: 'F8_E4M3' },
  awq: { suffix: '.qweight', type: 'I32' },
  gptq: { suffix: '.qweight', type: 'I32' },
  'compressed-tensors': { suffix: '.weight_packed', type: 'I32' },
}

/** What each method needs to describe a module. */
interface Parts {
  readonly files: RawTensors
  readonly quantization: Quantization
  readonly main: RawTensor
  readonly stem: string
  readonly signal: AbortSignal | undefined
}

/** @throws CheckpointError when tensors are missing or do not fit one another */
export function describeModule(
  files: RawTensors,
  quantization: Quantization,
  main: RawTensor,
  signal?: AbortSignal,
): Promise<QuantizedModule> {
  if (main.shape.length !== 2) {
    const shape = `[${main.shape.join(', ')}]`
    throw new CheckpointError({ file: main.file, tensor: main.name }, `has the shape ${shape}, not two dimensions`)
  }
  const stem = main.name.slice(0, -MAIN_TENSOR[quantization.method].suffix.length)
  const parts = { files, quantization, main, stem, signal }
  if (quantization.method === 'fp8') return fp8(parts)
  return quantization.method === 'compressed-tensors' ? compressed(parts) : byInputs(parts)
}

const SCALES = Object.keys(SCALE_TYPES)

async function fp8({ files, quantization, main, stem }: Parts): Promise<QuantizedModule> {
  const [rows, cols] = main.shape as [number, number]
  const name = files.get(`${stem}.weight_scale_inv`) ? `${stem}.weight_scale_inv` : `${stem}.weight_scale`
  const scale = files.need(files.get(name) ? name : `${stem}.weight_scale_inv`, main.file, SCALES)
  const n = Math.ceil(cols / 32)
  const count = scale.shape.reduce((a, b) => a * b, 1)
  const [height, width] = quantization.blockSize ?? [count === rows ? 1 : rows, n * 32]
  const groups = Math.ceil(cols / width)
  if (quantization.blockSize !== undefined) {
    expectShape(scale, [Math.ceil(rows / height), groups], `for [${rows}, ${cols}] in blocks of [${height}, ${width}]`)
  } else if (count !== 1 && count !== rows) {
    expectShape(scale, [], `for [${rows}, ${cols}] without weight_block_size`)
  }
  const grouping: Grouping = {
    kind: 'f8_e4m3',
    group: Math.min(width, n * 32),
    groups,
    scale: SCALE_TYPES[scale.type]!,
    hasZeros: false,
    zero: 0,
    columns: undefined,
  }
  return {
    rows,
    cols,
    type: rowType(grouping, cols),
    async load(signal) {
      return {
        scales: await files.read(scale, 0, undefined, signal),
        scaleAt: (row, group) => (count === 1 ? 0 : Math.floor(row / height) * groups + group),
        rows: (first, count, signal) => plainRows(files, main, { first, count, bytes: cols }, signal),
      }
    },
  }
}

/** Rows whose bytes are kept in their order. */
async function plainRows(
  files: RawTensors,
  tensor: RawTensor,
  { first, count, bytes }: { first: number; count: number; bytes: number },
  signal?: AbortSignal,
): Promise<(row: number, words: Uint32Array) => void> {
  const data = await files.read(tensor, first * bytes, count * bytes, signal)
  return (row, words) => {
    new Uint8Array(words.buffer).set(data.subarray((row - first) * bytes, (row - first + 1) * bytes))
  }
}

async function compressed({ files, main, stem, signal }: Parts): Promise<QuantizedModule> {
  const [rows, packed] = main.shape as [number, number]
  const at = { file: main.file, tensor: main.name }
  const shape = files.need(`${stem}.weight_shape`, main.file, ['I64', 'I32'])
  const [outputs, cols] = integers(shape, await files.read(shape, 0, undefined, signal))
  if (outputs !== rows || cols === undefined || cols < 1) {
    throw new CheckpointError(
      { ...at, tensor: shape.name },
      `says [${outputs}, ${cols}], ${main.name} has ${rows} rows`,
    )
  }
  const bits = ([4, 8] as const).find((bits) => Math.ceil((cols * bits) / 32) === packed)
  if (bits === undefined) {
    throw new CheckpointError(at, `has ${packed} words for a row of ${cols} inputs, which is neither 4 nor 8 bits each`)
  }
  const scale = files.need(`${stem}.weight_scale`, main.file, SCALES)
  const count = scale.shape.reduce((a, b) => a * b, 1)
  const whole = count === 1
  const groups = whole ? 1 : (scale.shape[1] ?? 1)
  if (!whole && scale.shape[0] !== rows) expectShape(scale, [rows, groups], `for ${rows} outputs`)
  const zeroName = `${stem}.weight_zero_point`
  const zeros = files.get(zeroName) && files.need(zeroName, main.file, ['I32', 'I8'])
  if (zeros?.type === 'I32') expectShape(zeros, [Math.ceil((rows * bits) / 32), groups], `for ${rows} outputs`)
  else if (zeros !== undefined) expectShape(zeros, scale.shape, 'as its scales')
  const columns = await columnsOf(files, files.get(`${stem}.weight_g_idx`), { cols, groups }, signal)
  const grouping = makeGrouping(scale, {
    bits,
    cols,
    groups,
    groupSize: undefined,
    columns,
    zero: zeros ? 0 : undefined,
  })
  const load = async (signal?: AbortSignal): Promise<LoadedModule> => {
    const zeroOf = zeros && unpackRows(await files.read(zeros, 0, undefined, signal), zeros.type, bits, groups)
    return {
      scales: await files.read(scale, 0, undefined, signal),
      scaleAt: (row, group) => (whole ? 0 : row * groups + group),
      zeroOf,
      async rows(first, count, signal) {
        if (bits === 8) return plainRows(files, main, { first, count, bytes: packed * 4 }, signal)
        const data = wordsOf(await files.read(main, first * packed * 4, count * packed * 4, signal))
        return (row, words) => {
          for (let i = 0; i < packed; i++) words[i] = spreadNibbles(data[(row - first) * packed + i]!)
        }
      },
    }
  }
  return { rows, cols, type: rowType(grouping, cols), load }
}

/** Zero points [rows, groups]: eight or four rows of a group in a word, or a signed byte each. */
function unpackRows(bytes: Uint8Array<ArrayBuffer>, type: string, bits: 4 | 8, groups: number) {
  if (type === 'I8') return (row: number, g: number) => (bytes[row * groups + g]! + 2 ** (bits - 1)) & (2 ** bits - 1)
  const words = wordsOf(bytes)
  const each = 32 / bits
  return (row: number, g: number) =>
    (words[Math.floor(row / each) * groups + g]! >>> (bits * (row % each))) & (2 ** bits - 1)
}

/** The place of output 8c + i in word c of AWQ's tensors. */
const AWQ_PLACES = [0, 4, 1, 5, 2, 6, 3, 7] as const

/** AWQ and GPTQ: tensors whose rows are inputs or groups. */
async function byInputs({ files, quantization, main, stem, signal }: Parts): Promise<QuantizedModule> {
  const isAwq = quantization.method === 'awq'
  const scale = files.need(`${stem}.scales`, main.file, SCALES)
  const zeros = files.need(`${stem}.qzeros`, main.file, ['I32'])
  const [groups = 0, rows = 0] = scale.shape
  const bits = ([4, 8] as const).find((bits) => Math.ceil((rows * bits) / 32) === zeros.shape[1])
  if (bits === undefined || scale.shape.length !== 2 || (isAwq && bits !== 4)) {
    throw new CheckpointError(
      { file: zeros.file, tensor: zeros.name },
      `has the shape [${zeros.shape.join(', ')}], which is not 4${isAwq ? '' : ' or 8'} bits for each of ${scale.name} [${scale.shape.join(', ')}]`,
    )
  }
  const each = 32 / bits
  const cols = isAwq ? main.shape[0]! : main.shape[0]! * each
  expectShape(main, isAwq ? [cols, Math.ceil(rows / each)] : [cols / each, rows], `for ${rows} outputs`)
  expectShape(zeros, [groups, Math.ceil(rows / each)], `for ${groups} groups and ${rows} outputs`)
  const index = isAwq ? undefined : files.get(`${stem}.g_idx`)
  const { groupSize, zero } = quantization
  const columns = await columnsOf(files, index, { cols, groups, groupSize }, signal)
  const grouping = makeGrouping(scale, { bits, cols, groups, groupSize, columns, zero })
  const load = async (signal?: AbortSignal): Promise<LoadedModule> => {
    const words = wordsOf(await files.read(main, 0, undefined, signal))
    const zeroWords = wordsOf(await files.read(zeros, 0, undefined, signal))
    const zeroRow = Math.ceil(rows / each)
    const shiftOf = (row: number) => bits * (isAwq ? AWQ_PLACES[row % 8]! : row % each)
    const put = isAwq ? putAwq(words, zeroRow, cols) : putGptq(words, rows, bits)
    return {
      scales: await files.read(scale, 0, undefined, signal),
      scaleAt: (row, group) => group * rows + row,
      zeroOf: (row, group) => (zeroWords[group * zeroRow + Math.floor(row / each)]! >>> shiftOf(row)) & (2 ** bits - 1),
      rows: async () => put,
    }
  }
  return { rows, cols, type: rowType(grouping, cols), load }
}

/** [inputs, outputs / 8] */
function putAwq(stored: Uint32Array, stride: number, cols: number) {
  return (row: number, words: Uint32Array) => {
    const shift = 4 * AWQ_PLACES[row % 8]!
    for (let i = 0, at = row >> 3; i < cols; i++, at += stride) {
      words[i >> 3]! |= ((stored[at]! >>> shift) & 15) << (8 * (i & 3) + (i & 4))
    }
  }
}

/** [inputs / 8 or 4, outputs] */
function putGptq(stored: Uint32Array, rows: number, bits: 4 | 8) {
  return (row: number, words: Uint32Array) => {
    for (let i = 0, at = row; at < stored.length; i++, at += rows) {
      words[i] = bits === 4 ? spreadNibbles(stored[at]!) : stored[at]!
    }
  }
}

interface GroupFacts {
  readonly bits: 4 | 8
  readonly cols: number
  readonly groups: number
  /** What the config says. */
  readonly groupSize: number | undefined
  /** The group of each input, where a tensor says it and they are not runs. */
  readonly columns: Uint16Array | undefined
  /** Added to stored zero points; undefined where there are none. */
  readonly zero: number | undefined
}

/** Groups that are runs of whole blocks of 32 inputs are read as such, others input by input. */
function makeGrouping(scale: RawTensor, facts: GroupFacts): Grouping {
  const { bits, cols, groups, groupSize, columns, zero } = facts
  const whole = Math.ceil(cols / 32) * 32
  const fits = groupSize !== undefined && Math.ceil(cols / groupSize) === groups
  const group = groups === 1 ? whole : fits ? groupSize : cols / groups
  if (!Number.isInteger(group) && columns === undefined) {
    const at = { file: scale.file, tensor: scale.name }
    throw new CheckpointError(at, `has ${groups} groups, which do not divide ${cols} inputs`)
  }
  const runs = (): Uint16Array => Uint16Array.from({ length: cols }, (_, i) => Math.floor(i / group))
  return {
    kind: bits === 4 ? 'int4' : 'int8',
    group,
    groups,
    scale: SCALE_TYPES[scale.type]!,
    hasZeros: zero !== undefined,
    zero: zero ?? 2 ** (bits - 1),
    columns: columns ?? (group % 32 === 0 ? undefined : runs()),
  }
}

/** undefined where there is no such tensor, or groups are the runs of inputs that they are without it. */
async function columnsOf(
  files: RawTensors,
  tensor: RawTensor | undefined,
  { cols, groups, groupSize }: { cols: number; groups: number; groupSize?: number | undefined },
  signal: AbortSignal | undefined,
): Promise<Uint16Array | undefined> {
  if (tensor === undefined) return undefined
  files.need(tensor.name, tensor.file, ['I32', 'I64'])
  expectShape(tensor, [cols], `for ${cols} inputs`)
  const list = integers(tensor, await files.read(tensor, 0, undefined, signal))
  if (list.every((group) => group === -1)) return undefined
  const bad = list.find((group) => group < 0 || group >= groups)
  if (bad !== undefined) {
    throw new CheckpointError({ file: tensor.file, tensor: tensor.name }, `names group ${bad}; there are ${groups}`)
  }
  const size = groupSize !== undefined && Math.ceil(cols / groupSize) === groups ? groupSize : cols / groups
  return list.every((group, i) => group === Math.floor(i / size)) ? undefined : Uint16Array.from(list)
}

function integers({ type }: RawTensor, bytes: Uint8Array<ArrayBuffer>): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const width = type === 'I64' ? 8 : 4
  return Array.from({ length: bytes.byteLength / width }, (_, i) =>
    width === 8 ? Number(view.getBigInt64(i * 8, true)) : view.getInt32(i * 4, true),
  )
}
