/** Sharded safetensors: `model.safetensors.index.json` says which file holds which tensor. */
import { CheckpointError } from '../errors.ts'
import { type ByteReader, readText } from './byte-reader.ts'
import { readTensorPart, type TensorFile, type TensorInfo, type UnsupportedTensor } from './checkpoint.ts'
import { isPlainFileName } from './file-names.ts'
import { JsonScanner, JsonSyntaxError } from './json-scanner.ts'
import { openSafetensors } from './safetensors.ts'
import { missing, type SourceFiles } from './source.ts'

const MAX_INDEX_BYTES = 100_000_000
const MAX_TENSORS = 1_000_000
const MAX_SHARDS = 10_000

/**
 * Reads the index and the header of every shard that it names.
 * @throws CheckpointError when a shard's name leaves the folder, a shard is missing or damaged, or does not hold a
 *   tensor that the index promises
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
  for (const [shardName, promised] of weightMap) {
    const reader = await files.open(shardName, signal)
    if (reader === undefined) {
      throw missing(files, shardName, `is missing; ${index.name} says that it holds ${promised[0]}`)
    }
    readers.set(shardName, reader)
    const shard = await openSafetensors(reader, signal)
    for (const name of promised) {
      const info = shard.tensors.get(name)
      const refused = shard.unsupported.get(name)
      if (info !== undefined) tensors.set(name, info)
      else if (refused !== undefined) unsupported.set(name, refused)
      else throw new CheckpointError({ file: shardName, tensor: name }, `is not there, though ${index.name} says so`)
    }
  }
  return {
    tensors,
    unsupported,
    async read(tensor, offset, length, signal) {
      const reader = readers.get(tensor.file)
      if (reader === undefined) {
        throw new CheckpointError({ file: tensor.file, tensor: tensor.name }, 'belongs to another checkpoint')
      }
      return readTensorPart(reader, tensor, offset, length, signal)
    },
    async close() {
      await Promise.all([...readers.values()].map((reader) => reader.close()))
    },
  }
}

/** Shard name → the tensors it must hold. */
function parseIndex(file: string, text: string): Map<string, string[]> {
  const shards = new Map<string, string[]>()
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
        const names = shards.get(shard)
        if (names !== undefined) names.push(tensor)
        else if (shards.size === MAX_SHARDS) throw scanner.error(`more than ${MAX_SHARDS} shards`)
        else shards.set(shard, [tensor])
      }, MAX_TENSORS)
    }, 1000)
    scanner.end()
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    throw new CheckpointError({ file }, `is not a safetensors index: ${error.message}`, { cause: error })
  }
  if (!found || shards.size === 0) throw new CheckpointError({ file }, 'has no weight_map that names a shard')
  return shards
}

/** A shard lies beside its index: anything that could lead elsewhere, or back to the index, is refused. */
function checkShardName(file: string, tensor: string, shard: string): string {
  const shown = JSON.stringify(shard.length > 80 ? `${shard.slice(0, 77)}...` : shard)
  const at = { file, tensor: tensor.slice(0, 200) }
  if (!isPlainFileName(shard) || shard.includes('..') || shard.includes('%')) {
    throw new CheckpointError(at, `its shard ${shown} is not a plain file name`)
  }
  if (!shard.endsWith('.safetensors')) throw new CheckpointError(at, `its shard ${shown} is not a .safetensors file`)
  return shard
}
