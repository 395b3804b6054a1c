/** The memory of a load: what files are read to, and what rows are packed in, again and again. */
import { BlockPacker } from '../kernels/pack-simd.ts'
import { Scratch } from './repack.ts'

/** What WebAssembly works in: what is read, and what becomes of it. Pages that are never written take no memory. */
const PACKER_BYTES = 32 << 20

export class Rooms {
  scratch = new Scratch()
  private isQuickened = false
  private readonly free: Uint8Array<ArrayBuffer>[] = []

  /** @param pieceBytes what most reads take at most */
  constructor(private readonly pieceBytes: number) {}

  /** From here on blocks are taken over by WebAssembly, where that is to be had. */
  quicken(): void {
    if (this.isQuickened) return
    this.isQuickened = true
    const { pieceBytes } = this
    const packer = BlockPacker.open(PACKER_BYTES, pieceBytes)
    if (packer !== undefined) this.scratch = new Scratch(packer, pieceBytes)
  }

  /** Room for so many bytes or more. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const fitting = this.free.findIndex((room) => room.byteLength >= length)
    if (fitting >= 0) return this.free.splice(fitting, 1)[0]!
    const bytes = Math.max(length, length > this.pieceBytes / 4 ? this.pieceBytes : 0)
    return this.scratch.packer?.room(bytes) ?? new Uint8Array(bytes)
  }

  giveBack(rooms: readonly Uint8Array<ArrayBuffer>[]): void {
    this.free.push(...rooms)
  }
}
