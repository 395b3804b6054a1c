/** The modules of FP8, AWQ, GPTQ and compressed-tensors: which tensors each is made of, and what they say. */
import { CheckpointError } from '../errors.ts'
import { rowType, spreadNibbles } from '../formats/grouped.ts'
import type { Grouping } from '../formats/row-type.ts'
import type { Quantization } from './quantization-hf.ts'
import { bytewise, compressed } from './quantized-compressed.ts'
import { columnsOf, fittingSize, makeGrouping, type Parts, plainRows, SCALES } from './quantized-groups.ts'
import {
  expectShape,
  type LoadedModule,
  type QuantizedModule,
  type RawTensor,
  SCALE_TYPES,
  wordsOf,
} from './quantized-rows.ts'
import type { RawTensors } from './raw-tensors.ts'

interface MainTensor {
  readonly suffix: string
  readonly type: string
}

const FP8: MainTensor = { suffix: '.weight', type: 'F8_E4M3' }

/** The tensors of which every module of a method has one. */
export const MAIN_TENSORS: Readonly<Record<Quantization['method'], readonly MainTensor[]>> = {
  fp8: [FP8],
  awq: [{ suffix: '.qweight', type: 'I32' }],
  gptq: [{ suffix: '.qweight', type: 'I32' }],
  'compressed-tensors': [{ suffix: '.weight_packed', type: 'I32' }, { suffix: '.weight', type: 'I8' }, FP8],
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
  const parts = { files, quantization, main, stem: main.name.slice(0, main.name.lastIndexOf('.')), signal }
  if (main.type === FP8.type) return fp8(parts)
  if (main.type === 'I8') return bytewise(parts)
  return quantization.method === 'compressed-tensors' ? compressed(parts) : byInputs(parts)
}

/** The tensor of scales, under whichever name the method has for it. */
const SCALE_NAMES = ['weight_scale_inv', 'weight_scale', 'qscale_weight'] as const

async function fp8({ files, quantization, main, stem }: Parts): Promise<QuantizedModule> {
  const [rows, cols] = main.shape as [number, number]
  const name = SCALE_NAMES.find((name) => files.get(`${stem}.${name}`) !== undefined) ?? SCALE_NAMES[0]
  const scale = files.need(`${stem}.${name}`, main.file, SCALES)
  const n = Math.ceil(cols / 32)
  const count = scale.shape.reduce((a, b) => a * b, 1)
  // Groups of a row, where the tensor has a second dimension.
  const perRow = scale.shape[0] === rows ? count / rows : 1
  const size = scale.shape[0] === rows ? fittingSize(scale, { cols, groups: perRow }, sizesOf(quantization)) : undefined
  const plain = count === 1 || perRow === 1 ? n * 32 : (size ?? cols / perRow)
  const [height, width] = (count === 1 || scale.shape[0] === rows ? undefined : quantization.blockSize) ?? [
    count === 1 ? rows : 1,
    plain,
  ]
  const groups = Math.ceil(cols / width)
  if (height > 1 && count > 1) {
    expectShape(scale, [Math.ceil(rows / height), groups], `for [${rows}, ${cols}] in blocks of [${height}, ${width}]`)
  } else if (count !== 1 && (scale.shape[0] !== rows || width % 32 !== 0)) {
    expectShape(scale, [], `for [${rows}, ${cols}] without blocks`)
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

/** Blocks of one output are groups of inputs. */
function sizesOf({ groupSizes, blockSize }: Quantization): readonly number[] {
  return blockSize?.[0] === 1 ? [...groupSizes, blockSize[1]] : groupSizes
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
