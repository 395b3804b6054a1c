/** `quantize`: writes a model with fewer bits, as a folder that opens by itself and in other programs. */
import { platform } from '#platform'
import { throwIfAborted } from '../async/abort.ts'
import {
  abortSignal,
  type Checks,
  callback,
  checkedLater,
  checkOptions,
  checkParameter,
  flag,
  oneOf,
  text,
} from '../checks.ts'
import { ParameterError } from '../errors.ts'
import { TEMPLATE_FOLDER } from '../formats/file-names.ts'
import { hasTokenizerBeside } from '../formats/gguf-beside.ts'
import { ggufHead, paddingAfter } from '../formats/gguf-writer.ts'
import { type ModelSource, openSource } from '../formats/source.ts'
import type { HubOptions, SourceOptions } from '../formats/source-options.ts'
import { type Checkpoint, openCheckpoint } from '../model/checkpoint.ts'
import { outputIsEmbedding, type PlannedTensor, planTensors, tensorData, tensorsNote } from '../model/gguf-tensors.ts'
import { type LoadProgress, metered } from '../model/load-progress.ts'
import { type QuantizationReport, Rounding } from '../model/rounding.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import type { Disk } from '../platform/types.ts'
import { ggufPairs, TOKENIZER_NAMES } from './quantize-pairs.ts'

export interface QuantizeOptions {
  /** `'q4'` is GGUF's Q4_0, with embedding and output projection in Q8_0; `'q8'` is Q8_0 throughout. */
  weights: 'q8' | 'q4'
  /** Writes into a folder that is not empty, over what an earlier call has written. False by default. */
  force?: boolean | undefined
  signal?: AnyAbortSignal | undefined
  /** As in `load`. */
  hub?: HubOptions | undefined
  /** As in `load`; bytes are those of the source. */
  onProgress?: ((progress: LoadProgress) => void) | undefined
}

export interface QuantizeResult {
  /** The names of all files in the folder that were written, the model's first. */
  readonly files: readonly string[]
  /** Of the model's file. */
  readonly bytes: number
  /** What rounding cost; undefined when the source has these very types. */
  readonly quantization: QuantizationReport | undefined
  /** What is odd about the source, one sentence each. */
  readonly notes: readonly string[]
}

const OPTIONS: Checks<QuantizeOptions> = {
  weights: oneOf('q8', 'q4'),
  force: flag,
  signal: abortSignal,
  hub: checkedLater,
  onProgress: callback,
}

/** What loaders look for where names cannot be listed. */
const MODEL = 'model.gguf'

/**
 * Writes a model into `folder`, made when it is missing: `model.gguf` (Q4_0 and Q8_0), and copies of the tokenizer's and the
 * chat template's files. Loaded from there, the model has the bits that loading `source` with `weights` gives. Nothing but a
 * few megabytes is in memory at a time; files get their names when all are complete.
 * @throws ParameterError when the folder is not empty or holds another model; ConfigError for a config that no GGUF can
 *   say; CheckpointError when the source is damaged or the disk full; TokenizerError, AbortError. Nothing is left then.
 */
export async function quantize(source: ModelSource, folder: string, options: QuantizeOptions): Promise<QuantizeResult> {
  checkOptions<QuantizeOptions>(options, OPTIONS)
  checkParameter('weights', options.weights, oneOf('q8', 'q4'))
  checkParameter('folder', folder, text)
  const { signal } = options
  const disk = await platform.openDisk()
  await checkFolder(disk, folder, options.force === true)
  const report = metered(options.onProgress)
  const onDownload: SourceOptions['onDownload'] = (progress) => report({ phase: 'download', ...progress })
  const files = await openSource(source, { signal, defer: true, hub: options.hub, onDownload })
  try {
    const checkpoint = await openCheckpoint(files, { signal })
    await files.prepare?.(signal)
    return await new Writing(disk, folder, checkpoint, { ...options, report }).run()
  } finally {
    await files.close()
  }
}

async function checkFolder(disk: Disk, folder: string, force: boolean): Promise<void> {
  const names = (await disk.namesIn(folder)) ?? []
  if (names.length > 0 && !force) {
    throw new ParameterError('folder', folder, 'is not empty; nothing in it is written over without force')
  }
  const other = names.find((name) => /\.(?:gguf|safetensors)$/i.test(name) && name !== MODEL)
  if (other !== undefined) throw new ParameterError('folder', folder, `holds another model, ${other}`)
}

/** One run, from the first file to the last. */
class Writing {
  /** Names of files that lie in the folder under a name of their own until all are complete. */
  private readonly partial: string[] = []
  private loaded = 0

  constructor(
    private readonly disk: Disk,
    private readonly folder: string,
    private readonly checkpoint: Checkpoint,
    private readonly options: QuantizeOptions & { report: ReturnType<typeof metered> },
  ) {}

  async run(): Promise<QuantizeResult> {
    const { disk, folder, checkpoint, options } = this
    const isNew = await disk.makeFolder(folder)
    try {
      const { note, ...model } = await this.writeModel()
      const copied = await this.copyTokenizer()
      throwIfAborted(options.signal)
      await this.finish(copied)
      this.report('ready')
      return {
        files: [MODEL, ...copied],
        ...model,
        notes: [...checkpoint.notes, ...(note === undefined ? [] : [note])],
      }
    } catch (error) {
      for (const name of this.partial) await disk.removeFile(this.partialPath(name)).catch(() => undefined)
      await disk.removeEmptyFolder(disk.join(folder, TEMPLATE_FOLDER))
      if (isNew) await disk.removeEmptyFolder(folder)
      throw error
    }
  }

  private async writeModel() {
    const { checkpoint } = this
    const { weights, signal } = this.options
    this.report('open')
    const rounding = new Rounding(weights)
    const tensors = planTensors(checkpoint, weights, await outputIsEmbedding(checkpoint, signal))
    const pairs = await ggufPairs(checkpoint, tensors, weights, signal)
    const onRead = (bytes: number, tensor: string) => {
      this.loaded += bytes
      this.report('weights', tensor)
    }
    const reading = { checkpoint, rounding, signal, onRead }
    const bytes = await this.write(MODEL, modelBytes(ggufHead(pairs, tensors), tensors, reading))
    return { quantization: rounding.report(), bytes, note: tensorsNote(tensors) }
  }

  /** Copies what the source has of a tokenizer in files of its own. A GGUF has it inside. */
  private async copyTokenizer(): Promise<string[]> {
    const { files, gguf } = this.checkpoint
    const { signal } = this.options
    if (gguf !== undefined && !hasTokenizerBeside(gguf)) return []
    const listed = files.names?.filter((name) => /^tekken.*\.json$|^tokenizer\.model/.test(name)) ?? []
    const copied: string[] = []
    for (const name of new Set([...TOKENIZER_NAMES, ...listed])) {
      const reader = await files.open(name, signal)
      if (reader === undefined) continue
      await this.write(name, [await reader.read(0, reader.size, signal)])
      copied.push(name)
    }
    return copied
  }

  /** Returns the bytes that were written. */
  private async write(name: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
    this.partial.push(name)
    const file = await this.disk.createFile(this.partialPath(name))
    let bytes = 0
    let keep = false
    try {
      for await (const part of parts) {
        throwIfAborted(this.options.signal)
        await file.write(part)
        bytes += part.byteLength
      }
      keep = true
    } finally {
      await file.close({ keep })
    }
    return bytes
  }

  /** The model comes last: where it is, everything is. */
  private async finish(copied: readonly string[]): Promise<void> {
    const { disk, folder } = this
    for (const stale of TOKENIZER_NAMES) if (!copied.includes(stale)) await disk.removeFile(disk.join(folder, stale))
    for (const name of [...copied, MODEL]) await disk.rename(this.partialPath(name), disk.join(folder, name))
  }

  private partialPath(name: string): string {
    return `${this.disk.join(this.folder, name)}.partial`
  }

  private report(phase: LoadProgress['phase'], tensor?: string): void {
    this.options.report({ phase, loaded: this.loaded, total: this.checkpoint.totalBytes, tensor })
  }
}

async function* modelBytes(
  head: Uint8Array,
  tensors: readonly PlannedTensor[],
  reading: Parameters<typeof tensorData>[1],
): AsyncGenerator<Uint8Array> {
  yield head
  for (const tensor of tensors) {
    yield* tensorData(tensor, reading)
    yield new Uint8Array(paddingAfter(tensor.byteLength))
  }
}
