/** The output matrix of a model whose config ties it to the embeddings, and whose file has both. It is loaded with such models. */
import { throwIfAborted } from '../async/abort.ts'
import { decodeToF32, storedBytes } from '../formats/blocks.ts'
import type { TensorInfo } from '../formats/tensor-file.ts'
import type { Checkpoint } from './checkpoint.ts'

/** A tensor of the shape of another, which may hold the same. */
export class Twin {
  isSame = true

  constructor(
    readonly info: TensorInfo,
    private readonly checkpoint: Checkpoint,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Compares rows of the other tensor with the same rows of this one. */
  compare(other: TensorInfo, rows: Uint8Array, own: Uint8Array): void {
    // Elements of two types are compared by value, of one type bit by bit.
    const alike = other.dtype === this.info.dtype
    this.isSame = alike
      ? haveSameElements(rows, own)
      : haveSameElements(decodeToF32(other.dtype, rows), decodeToF32(this.info.dtype, own))
  }

  /** Compares a few rows: two matrices that were trained apart differ everywhere. */
  async sample(other: TensorInfo): Promise<void> {
    const [rows = 1] = other.shape
    for (const row of [0, Math.floor(rows / 2), Math.floor(rows / 3), rows - 1]) {
      const read = (info: TensorInfo) => this.read(info, row, row + 1)
      if (this.isSame) this.compare(other, await read(other), await read(this.info))
    }
  }

  /** For the user, where it differs from the other. */
  note(other: TensorInfo): string {
    const names = `${this.info.name} differs from ${other.name}`
    return `config.json says tie_word_embeddings, but ${names}: both are used as they stand, as transformers does`
  }

  private async read(info: TensorInfo, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    throwIfAborted(this.signal)
    const bytes = storedBytes(info.dtype, info.shape[1] ?? 1)
    const rows = await this.checkpoint.readTensor(info, from * bytes, (to - from) * bytes, this.signal)
    throwIfAborted(this.signal)
    return rows
  }
}

function haveSameElements(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  let same = a.length === b.length
  for (let i = 0; same && i < a.length; i++) same = a[i] === b[i]
  return same
}
