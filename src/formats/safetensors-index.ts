/** Sharded safetensors: `model.safetensors.index.json` says which file holds which tensor. */
import { shortened } from '../errors/show.ts'
import { CheckpointError } from '../errors.ts'
import { type ByteReader, readText } from './byte-reader.ts'
import { isPlainFileName } from './file-names.ts'
import { JsonScanner, JsonSyntaxError } from './json-scanner.ts'
import { openSafetensors } from './safetensors.ts'
import { missing, type SourceFiles } from './source.ts'
import { readTensorPart, type TensorFile, type TensorInfo, type UnsupportedTensor } from './tensor-file.ts'

const MAX_INDEX_BYTES = 100_000_000
const MAX_TENSORS = 1_000_000
const MAX_SHARDS = 10_000

/**
 * Reads the index and the header of every shard that it names. As in transformers, the index only says which files there
 * are: a model has the tensors that their headers list, and of two with one name the one of the later file. A shard
 * that is missing, or a tensor that no shard has, matters when the model needs it.
 * @throws CheckpointError when a shard's name leaves the folder or a shard is damaged
 */
export async function openShardedSafetensors(
  files: SourceFiles,
  index: ByteReader,
  signal?: AbortSignal,
): Promise<TensorFile> {
  const weightMap = parseIndex(index.name, await readText(index, MAX_INDEX_BYTES, signal))
  const tensors = new Map<string, TensorInfo>()
  const unsupported = new Map<string, UnsupportedTensor>()
  const readers = new Map<string, ByteReader>()
  const shards = [...new Set(weightMap.values())].sort()
  for (const shardName of shards) {
    const reader = await files.open(shardName, signal)
    if (reader === undefined) continue
    readers.set(shardName, reader)
    const shard = await openSafetensors(reader, signal)
    for (const [name, info] of shard.tensors) {
      unsupported.delete(name)
      tensors.set(name, info)
    }
    for (const [name, refused] of shard.unsupported) {
      tensors.delete(name)
      unsupported.set(name, refused)
    }
    if (tensors.size + unsupported.size > MAX_TENSORS) {
      throw new CheckpointError({ file: shardName }, `brings the checkpoint to more than ${MAX_TENSORS} tensors`)
    }
  }
  return {
    tensors,
    unsupported,
    notes: shards
      .filter((name) => !readers.has(name))
      .map((name) => `${name}, which ${index.name} names, is missing; the model needs nothing of it`),
    whyMissing(tensor) {
      const file = weightMap.get(tensor)
      if (file === undefined) return undefined
      return readers.has(file)
        ? new CheckpointError({ file, tensor }, `is not there, though ${index.name} says so`)
        : missing(files, file, `is missing; ${index.name} says that it holds ${tensor}`)
    },
    async read(tensor, offset, length, signal, into) {
      const reader = readers.get(tensor.file)
      if (reader === undefined) {
        throw new CheckpointError({ file: tensor.file, tensor: tensor.name }, 'belongs to another checkpoint')
      }
      return readTensorPart(reader, tensor, offset, length, signal, into)
    },
    async close() {
      await Promise.all([...readers.values()].map((reader) => reader.close()))
    },
  }
}

/** Tensor → the shard that holds it. */
function parseIndex(file: string, text: string): Map<string, string> {
  const weightMap = new Map<string, string>()
  const shards = new Set<string>()
  let found = false
  try {
    const scanner = new JsonScanner(text)
    scanner.object((key) => {
      if (key !== 'weight_map') {
        scanner.skip()
        return
      }
      found = true
      scanner.object((tensor) => {
        const shard = checkShardName(file, tensor, scanner.string())
        weightMap.set(tensor, shard)
        shards.add(shard)
        if (shards.size > MAX_SHARDS) throw scanner.error(`more than ${MAX_SHARDS} shards`)
      }, MAX_TENSORS)
    }, 1000)
    scanner.end()
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    throw new CheckpointError({ file }, `is not a safetensors index: ${error.message}`, { cause: error })
  }
  if (!found || weightMap.size === 0) throw new CheckpointError({ file }, 'has no weight_map that names a shard')
  return weightMap
}

/** A shard lies beside its index: anything that could lead elsewhere, or back to the index, is refused. */
function checkShardName(file: string, tensor: string, shard: string): string {
  const shown = JSON.stringify(shortened(shard, 80))
  const at = { file, tensor: tensor.slice(0, 200) }
  if (!isPlainFileName(shard) || shard.includes('..') || shard.includes('%')) {
    throw new CheckpointError(at, `its shard ${shown} is not a plain file name`)
  }
  if (!shard.endsWith('.safetensors')) throw new CheckpointError(at, `its shard ${shown} is not a .safetensors file`)
  return shard
}
