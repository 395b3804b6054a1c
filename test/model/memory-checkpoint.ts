/** A checkpoint of random numbers in memory, for tests of how weights are loaded. */
import { expect } from 'vitest'
import { decodeToF32, STORED_TYPES, type StoredDtype, storedBytes } from '../../src/formats/blocks.ts'
import { f32ToF16Bits } from '../../src/formats/f16.ts'
import type { TensorInfo } from '../../src/formats/tensor-file.ts'
import type { Checkpoint } from '../../src/model/checkpoint.ts'
import type { ModelConfig } from '../../src/model/config.ts'
import { randomNumbers } from '../support/gpu.ts'

export interface Shape {
  dim: number
  hiddenDim: number
  vocab: number
  dtype: StoredDtype
  ropePairing?: 'half' | 'adjacent'
  tied?: boolean
  /** The config ties the embeddings and both are stored: with the same values, or with others in the last row. */
  twins?: 'same' | 'different'
  /** Types of single tensors that differ. */
  types?: Record<string, StoredDtype>
}

const HEADS = { nHeads: 2, nKvHeads: 1, headDim: 6 }

/** A checkpoint of random numbers in memory. */
export class MemoryCheckpoint {
  readonly values = new Map<string, Float32Array>()
  readonly reads: { name: string; length: number }[] = []
  readonly config: ModelConfig
  private readonly outputMayBeTied: boolean
  private readonly tensors = new Map<string, { info: TensorInfo; bytes: Uint8Array<ArrayBuffer> }>()

  constructor({ dim, hiddenDim, vocab, dtype, ropePairing = 'adjacent', tied = false, twins, types = {} }: Shape) {
    const { nHeads, nKvHeads, headDim } = HEADS
    this.config = {
      ...HEADS,
      dim,
      hiddenDim,
      nLayers: 1,
      vocabSize: vocab,
      ropePairing,
      tiedEmbeddings: tied,
    } as ModelConfig
    this.outputMayBeTied = twins !== undefined
    const add = (name: string, ...shape: number[]) => this.add(name, shape, types[name] ?? dtype)
    add('tokEmbeddings', vocab, dim)
    add('norm', dim)
    if (!tied) add('output', vocab, dim)
    if (twins !== undefined) this.addTwin(twins)
    add('layers.0.attentionNorm', dim)
    add('layers.0.ffnNorm', dim)
    add('layers.0.wq', nHeads * headDim, dim)
    add('layers.0.wk', nKvHeads * headDim, dim)
    add('layers.0.wv', nKvHeads * headDim, dim)
    add('layers.0.wo', dim, nHeads * headDim)
    add('layers.0.w1', hiddenDim, dim)
    add('layers.0.w3', hiddenDim, dim)
    add('layers.0.w2', dim, hiddenDim)
  }

  private add(name: string, shape: number[], wanted: StoredDtype): void {
    const cols = shape.at(-1)!
    // Rows that are no whole blocks cannot be quantized in a file.
    const dtype = wanted.startsWith('q') && (cols % 32 !== 0 || shape.length === 1) ? 'f32' : wanted
    const count = shape.reduce((a, b) => a * b, 1)
    const random = randomNumbers(name.length * 31 + count)
    let bytes: Uint8Array<ArrayBuffer>
    if (dtype === 'f32') bytes = new Uint8Array(Float32Array.from({ length: count }, random).buffer)
    else {
      bytes = Uint8Array.from({ length: storedBytes(dtype, count) }, () => Math.floor((random() + 1) * 128))
      const size = STORED_TYPES[dtype].bytes
      for (let at = 1; at < bytes.length; at += size) bytes[at] = (bytes[at]! & 0x83) | 0x38
    }
    const info = { name, file: 'memory', dtype, shape, byteOffset: 0, byteLength: bytes.length }
    this.tensors.set(name, { info, bytes })
    this.values.set(name, decodeToF32(dtype, bytes))
  }

  private addTwin(twins: 'same' | 'different'): void {
    const { info } = this.tensors.get('output')!
    const values = Float32Array.from(this.values.get('tokEmbeddings')!)
    if (twins === 'different') values[values.length - 1]! += 1
    const exact = info.dtype === 'f32' ? values : Uint16Array.from(values, f32ToF16Bits)
    this.tensors.set('output', { info, bytes: new Uint8Array(exact.buffer) })
    this.values.set('output', values)
  }

  asCheckpoint(): Checkpoint {
    const tensor = (name: string) => this.tensors.get(name)!.info
    const readTensor = async (info: TensorInfo, offset: number, length: number) => {
      expect(offset + length).toBeLessThanOrEqual(info.byteLength)
      this.reads.push({ name: info.name, length })
      return this.tensors.get(info.name)!.bytes.slice(offset, offset + length)
    }
    const { config, outputMayBeTied } = this
    const find = (name: string) => this.tensors.get(name)?.info
    return { config, outputMayBeTied, tensor, find, readTensor } as unknown as Checkpoint
  }

  row(name: string, row: number): number[] {
    const cols = this.tensors.get(name)!.info.shape.at(-1)!
    return [...this.values.get(name)!.subarray(row * cols, (row + 1) * cols)]
  }
}
