/**
 * Rounds weights to 8 and 4 bits on the GPU while they are loaded: the bytes of the file go there as they are, and become the blocks that
 * `rounding.ts` would make of them, bit for bit. It is loaded with models that are large enough to be worth the compiling.
 */
import type { MatrixType, StoredDtype } from '../formats/blocks.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { BufferUsage } from '../gpu/flags.ts'
import { Readback } from '../gpu/readback.ts'
import { Recorder, type Recording } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { ROUND_BLOCKS } from '../gpu/shaders.gen.ts'
import { roundWords, roundBlocks as shader } from '../gpu/shaders-rounding.gen.ts'
import type { StagedWrites } from '../gpu/staged-writes.ts'
import type { RoundingSums } from './quantize.ts'
import { BLOCK, ceilDiv } from './shape.ts'
import type { Matrix, Weight } from './weight.ts'

/** The types of a file that the GPU rounds, with the numbers and the bytes of an element that the shader knows them by. */
const TYPES = { bf16: [0, 2], f16: [1, 2], f32: [2, 4] } as const satisfies Partial<Record<StoredDtype, unknown>>

export type RoundedType = keyof typeof TYPES

/** Words of the table of rows before the first row. */
const HEAD = 4

/** Rows of the file that follow one another, and the rows of the matrix that they become: the first, and how many it is to the next. */
export interface StoredRows {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly index: number
  readonly step: number
  readonly count: number
  /** Where what they lose is counted. */
  readonly kind: number
}

/** Whether weights of these types, in rows of so many, can be rounded on the GPU: those of one of its types, in whole blocks. */
export function canRound(types: readonly MatrixType[], cols: number): types is readonly RoundedType[] {
  const [first] = types
  return (
    typeof first === 'string' &&
    Object.hasOwn(TYPES, first) &&
    types.every((type) => type === first) &&
    cols % BLOCK === 0
  )
}

interface Piece {
  readonly weight: Weight
  /** Its first row in the matrix. */
  readonly begin: number
  readonly recording: Recording<number>
}

/** A matrix that is being made. */
export class RoundedMatrix {
  constructor(
    private readonly gpu: Gpu,
    private readonly stored: Buffer,
    private readonly rows: Buffer,
    private readonly blockBytes: number,
    private readonly pieces: readonly Piece[],
  ) {}

  /** Makes rows `first` to `first + count` of the matrix. `first` is a multiple of four. What is stored goes through `staged`, if given. */
  put(first: number, count: number, runs: readonly StoredRows[], staged?: StagedWrites): void {
    const { gpu, stored } = this
    const writes = staged ?? gpu
    const places = new Uint32Array(2 * count)
    let at = 0
    for (const { bytes, index, step, count, kind } of runs) {
      writes.write(stored, at, bytes)
      for (let i = 0; i < count; i++) {
        places[2 * (index + i * step)] = (at + (i * bytes.byteLength) / count) / this.blockBytes
        places[2 * (index + i * step) + 1] = kind * ROUND_BLOCKS.SLOTS
      }
      at += bytes.byteLength
    }
    staged?.submit()
    for (const piece of this.pieces) {
      const from = Math.max(first, piece.begin)
      const to = Math.min(first + count, piece.begin + piece.weight.rows)
      if (from < to) this.dispatch(piece, from - piece.begin, places.subarray(2 * (from - first), 2 * (to - first)))
    }
  }

  private dispatch({ weight, recording }: Piece, first: number, places: Uint32Array): void {
    const { gpu } = this
    const perRow = ceilDiv(weight.cols, BLOCK)
    const blocks = (places.length / 2) * perRow
    const table = new Uint32Array(HEAD + places.length)
    table.set(places, HEAD)
    const most = 2 * ROUND_BLOCKS.SLOTS
    for (let done = 0; done < blocks; done += most) {
      table.set([first * perRow, blocks, perRow, done])
      gpu.write(this.rows, 0, table)
      const encoder = gpu.device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      recording.encode(pass, Math.min(most, blocks - done) / 2)
      pass.end()
      gpu.submit(encoder.finish())
    }
  }
}

/** What all matrices of a model are rounded with. Its buffers are destroyed at the end. */
export class BlockRounder {
  private readonly buffers: Buffer[] = []
  private stored: Buffer | undefined
  private rows: Buffer | undefined
  private readonly sums: Buffer

  /** @param kinds of matrices whose losses are told apart */
  constructor(
    private readonly gpu: Gpu,
    private readonly kinds: number,
  ) {
    const bytes = kinds * ROUND_BLOCKS.SLOTS * 8
    this.sums = this.buffer('what rounding takes away', bytes, BufferUsage.STORAGE | BufferUsage.COPY_SRC)
  }

  /**
   * Prepares for a matrix of layout `q8` or `q4`, of which at most `count` rows are made at a time. Throws `DeviceError` when the shader
   * does not compile, `MemoryError`.
   */
  async open(matrix: Matrix, from: RoundedType, count: number): Promise<RoundedMatrix> {
    const stored = this.room('stored', 'weights to round', count * matrix[0]!.cols * TYPES[from][1])
    const rows = this.room('rows', 'rows to round', (HEAD + 2 * count) * 4)
    let begin = 0
    const pieces: Piece[] = []
    for (const weight of matrix) {
      const recorder = new Recorder<number>(this.gpu)
      const bindings = { stored, rows, quants: weight.quants, scales: weight.scales!, sums: this.sums }
      const constants = { EIGHT: weight.layout.name === 'q8', STORED: TYPES[from][0] }
      const parts = [part(shader, { bindings, constants }), part(roundWords, { bindings: {}, constants: {} })]
      const groups = (threads: number) => ceilDiv(threads, ROUND_BLOCKS.WORKGROUP)
      recorder.dispatch(`${weight.label} rounded`, parts, [groups])
      pieces.push({ weight, begin, recording: await recorder.build() })
      begin += weight.rows
    }
    return new RoundedMatrix(this.gpu, stored, rows, BLOCK * TYPES[from][1], pieces)
  }

  /** What was taken away in each kind of matrix. */
  async lost(): Promise<RoundingSums[]> {
    const { gpu, sums, kinds } = this
    const readback = new Readback(gpu, 'rounding readback', sums.size)
    try {
      const encoder = gpu.device.createCommandEncoder()
      readback.copy(encoder, sums, sums.size)
      gpu.submit(encoder.finish())
      const all = new Float32Array(await readback.read(sums.size))
      return Array.from({ length: kinds }, (_, kind) => {
        const own = all.subarray(2 * kind * ROUND_BLOCKS.SLOTS, 2 * (kind + 1) * ROUND_BLOCKS.SLOTS)
        const found = { error: 0, total: 0 }
        for (let i = 0; i < own.length; i += 2) {
          found.error += own[i]!
          found.total += own[i + 1]!
        }
        return found
      })
    } finally {
      readback.destroy()
    }
  }

  destroy(): void {
    for (const buffer of this.buffers) buffer.destroy()
  }

  /** One buffer serves all matrices, one after another; where one needs a larger one, those before it keep theirs. */
  private room(which: 'stored' | 'rows', label: string, bytes: number): Buffer {
    const known = this[which]
    if (known !== undefined && known.size >= bytes) return known
    const made = this.buffer(label, bytes)
    this[which] = made
    return made
  }

  private buffer(label: string, bytes: number, usage?: number): Buffer {
    const made = this.gpu.createBuffer(label, bytes, usage)
    this.buffers.push(made)
    return made
  }
}
