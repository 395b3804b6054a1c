/** The modules of compressed-tensors whose weights are whole numbers: packed into words, or in bytes of their own. */
import { CheckpointError } from '../errors.ts'
import { rowType, spreadNibbles } from '../formats/grouped.ts'
import { columnsOf, fittingSize, integers, makeGrouping, type Parts, plainRows, SCALES } from './quantized-groups.ts'
import { expectShape, type LoadedModule, type QuantizedModule, wordsOf } from './quantized-rows.ts'

/** Several weights in a word. */
export async function compressed(parts: Parts): Promise<QuantizedModule> {
  const { files, main, stem, signal } = parts
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
  const { scale, whole, groups, groupSize, zeros, columns } = await sides(parts, { rows, cols, bits })
  const zero = zeros ? 0 : undefined
  const grouping = makeGrouping(scale, { bits, cols, groups, groupSize, columns, zero })
  const load = async (signal?: AbortSignal): Promise<LoadedModule> => {
    const read = zeros && (await files.read(zeros, 0, undefined, signal))
    const zeroOf = read && unpackRows(read, zeros.type, bits, groups)
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

/** compressed-tensors' weights in bytes of their own, with a sign. */
export async function bytewise(parts: Parts): Promise<QuantizedModule> {
  const { files, main } = parts
  const [rows, cols] = main.shape as [number, number]
  const { scale, whole, groups, groupSize, zeros, columns } = await sides(parts, { rows, cols, bits: 8 })
  const facts = { bits: 8, cols, groups, groupSize, columns, zero: zeros ? 0 : undefined } as const
  const load = async (signal?: AbortSignal): Promise<LoadedModule> => ({
    scales: await files.read(scale, 0, undefined, signal),
    scaleAt: (row, group) => (whole ? 0 : row * groups + group),
    zeroOf: zeros && unpackRows(await files.read(zeros, 0, undefined, signal), zeros.type, 8, groups),
    async rows(first, count, signal) {
      const data = await files.read(main, first * cols, count * cols, signal)
      // What is below zero as a signed byte goes below 128.
      for (let i = 0; i < data.length; i++) data[i]! ^= 128
      return (row, words) => {
        new Uint8Array(words.buffer).set(data.subarray((row - first) * cols, (row - first + 1) * cols))
      }
    },
  })
  return { rows, cols, type: rowType(makeGrouping(scale, facts), cols), load }
}

/** What compressed-tensors stores beside the weights [rows, cols] of a module. */
async function sides(
  { files, quantization, main, stem, signal }: Parts,
  { rows, cols, bits }: { rows: number; cols: number; bits: 4 | 8 },
) {
  const scale = files.need(`${stem}.weight_scale`, main.file, SCALES)
  const whole = scale.shape.reduce((a, b) => a * b, 1) === 1
  const groups = whole ? 1 : (scale.shape[1] ?? 1)
  if (!whole && scale.shape[0] !== rows) expectShape(scale, [rows, groups], `for ${rows} outputs`)
  const groupSize = fittingSize(scale, { cols, groups }, quantization.groupSizes)
  const zeroName = `${stem}.weight_zero_point`
  const zeros = files.get(zeroName) && files.need(zeroName, main.file, ['I32', 'I8'])
  if (zeros?.type === 'I32') expectShape(zeros, [Math.ceil((rows * bits) / 32), groups], `for ${rows} outputs`)
  else if (zeros !== undefined) expectShape(zeros, scale.shape, 'as its scales')
  const columns = await columnsOf(files, files.get(`${stem}.weight_g_idx`), { cols, groups, groupSize }, signal)
  return { scale, whole, groups, groupSize, zeros, columns }
}

/** Zero points [rows, groups]: eight or four rows of a group in a word, or a signed byte each. */
function unpackRows(bytes: Uint8Array<ArrayBuffer>, type: string, bits: 4 | 8, groups: number) {
  if (type === 'I8') {
    const stride = bytes.length === 1 ? 0 : groups
    return (row: number, g: number) => (bytes[row * stride + g]! + 2 ** (bits - 1)) & (2 ** bits - 1)
  }
  const words = wordsOf(bytes)
  const each = 32 / bits
  return (row: number, g: number) =>
    (words[Math.floor(row / each) * groups + g]! >>> (bits * (row % each))) & (2 ** bits - 1)
}
