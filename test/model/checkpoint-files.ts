/** Opens checkpoints of files in memory, and of the fixtures. */
import { openSource } from '../../src/formats/source.ts'
import { type Checkpoint, openCheckpoint } from '../../src/model/checkpoint.ts'
import type { CheckpointOptions } from '../../src/model/opened.ts'
import { concat, FIXTURES, safetensors } from '../formats/helpers.ts'

type Files = Record<string, string | Uint8Array | object | undefined>

/** A checkpoint of files in memory; plain objects become JSON. */
export async function openFiles(files: Files, options?: CheckpointOptions): Promise<Checkpoint> {
  const source = await openSource({
    list: () => Object.keys(files),
    open(name) {
      const content = files[name]
      if (content === undefined || typeof content === 'string' || content instanceof Uint8Array) return content
      return JSON.stringify(content)
    },
  })
  return openCheckpoint(source, options)
}

export async function openFolder(name: string, options?: CheckpointOptions): Promise<Checkpoint> {
  const files = await openSource(FIXTURES + name)
  try {
    return await openCheckpoint(files, options)
  } catch (error) {
    await files.close()
    throw error
  }
}

export const INDEX = 'model.safetensors.index.json'
export const shard = (n: number) => `model-0000${n}-of-00003.safetensors`

/** The same safetensors data under a changed header. */
export function reheaded(
  bytes: Uint8Array<ArrayBuffer>,
  change: (header: Record<string, unknown>) => Record<string, unknown>,
): Uint8Array<ArrayBuffer> {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  return concat(safetensors(change(header), 0), bytes.subarray(8 + length))
}

/** The same safetensors data with more tensors behind it. */
export function added(
  bytes: Uint8Array<ArrayBuffer>,
  tensors: readonly { name: string; dtype: string; shape: readonly number[]; bytes: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  let end = bytes.length - 8 - Number(new DataView(bytes.buffer).getBigUint64(0, true))
  const entries = tensors.map(({ name, dtype, shape, bytes }) => {
    const data_offsets = [end, end + bytes.length]
    end += bytes.length
    return [name, { dtype, shape, data_offsets }]
  })
  const header = reheaded(bytes, (header) => ({ ...header, ...Object.fromEntries(entries) }))
  return concat(header, ...tensors.map(({ bytes }) => bytes))
}
