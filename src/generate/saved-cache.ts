/** Saves the keys and values of a conversation, and restores them: a later process need not compute its prompt again. */
import { onAbort, throwIfAborted, unlessAborted } from '../async/abort.ts'
import { abortSignal, type Checks, check, checkOptions, checkParameter, filledText, orElse } from '../checks.ts'
import { AbortError, ContextLengthError, DeviceError, SavedCacheError } from '../errors.ts'
import { type CacheHeader, cacheFileParts, readCacheFile } from '../formats/cache-file.ts'
import { digestOf, fingerprint } from '../model/fingerprint.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import { bytesPerPosition, readSequence, writeSequence } from '../model/saved-sequence.ts'
import type { SamplingInput } from '../sampling/request-params.ts'
import type { GenerationStream } from './generation-stream.ts'
import type { NamedAdapters } from './named-adapters.ts'
import type { GenerateOptions, RequestOptions } from './options.ts'
import type { CacheSource, RestoredCache, SaveCacheOptions } from './saved-cache-types.ts'
import type { Scheduler } from './scheduler.ts'
import { checkPrompt } from './token-loop.ts'

/** The parts of a model that are looked at here. */
interface Model {
  readonly loaded: LoadedModel
  readonly scheduler: Scheduler
  generate(tokenIds: Iterable<number>, params: SamplingInput, options: GenerateOptions): GenerationStream
}

const SAVE: Checks<SaveCacheOptions> = { signal: abortSignal, adapter: orElse(null, filledText) }
const RESTORE: Checks<RequestOptions> = { signal: abortSignal }
/** Another request may take the sequence in between. */
const MOST_TRIES = 4

export async function saveCache(
  model: Model,
  named: NamedAdapters,
  ids: readonly number[],
  options: SaveCacheOptions,
): Promise<Blob> {
  checkOptions<SaveCacheOptions>(options, SAVE)
  const { loaded, scheduler } = model
  const { signal, adapter: name } = options
  checkPrompt(ids, loaded.config.vocabSize, loaded.contextLength)
  const adapter = named.find(name)
  throwIfAborted(signal)
  const mark = adapter && (await digestOfAdapter(loaded, adapter))
  const computedBy = await fingerprint(loaded)
  const read = () =>
    scheduler.betweenBatches(async () => {
      const { index, written } = scheduler.sequences.holding(ids, adapter) ?? {}
      if (index === undefined) return undefined
      return readSequence(loaded.gpu, loaded.cache, index, { count: ids.length, written: written! })
    })
  let saved = await read()
  const params = { do_sample: false, max_tokens: 8, ignore_eos: true, adapter: name }
  for (let tries = 0; saved === undefined && tries < MOST_TRIES; tries++) {
    throwIfAborted(signal)
    // What is not in the cache is computed, and held there while it is read.
    const steps = model.generate(ids, params, { signal })
    try {
      await steps.next()
      saved = await read()
    } finally {
      await steps.return()
    }
  }
  throwIfAborted(signal)
  if (saved === undefined) {
    throw new DeviceError('other requests took the cache while it was saved; a larger maxSequences leaves them room')
  }
  const { first, layers } = saved
  const by = { model: computedBy, adapter: adapter && mark ? { name: adapter.name, mark } : null }
  return new Blob(cacheFileParts({ header: { ...layoutOf(loaded), ...by, tokens: ids, first }, layers }))
}

export async function restoreCache(
  { loaded, scheduler }: Model,
  named: NamedAdapters,
  source: CacheSource,
  options: RequestOptions,
): Promise<RestoredCache> {
  checkOptions<RequestOptions>(options, RESTORE)
  checkParameter('source', source, check(isSource, 'a Blob, a ReadableStream, a Response, or bytes'))
  const { signal } = options
  throwIfAborted(signal)
  const { header, layers } = await readSource(source, signal)
  const adapter = await checkFits(loaded, named, header)
  const { tokens, first } = header
  const { sequences } = scheduler
  const work = async (): Promise<void> => {
    if (signal?.aborted || sequences.holding(tokens, adapter) !== undefined) return
    const { sequence } = sequences.find(tokens, adapter)!
    sequences.clear(sequence)
    const written = writeSequence(loaded.gpu, loaded.cache, sequence.index, { first, layers }, tokens.length)
    loaded.gpu.check()
    sequences.restore(sequence, tokens, written, adapter)
  }
  await unlessAborted(
    scheduler.betweenBatches(work, () => signal?.aborted || sequences.free.length > 0),
    signal,
  )
  throwIfAborted(signal)
  return { tokenIds: tokens, adapter: header.adapter?.name ?? null }
}

function layoutOf({ cache }: LoadedModel): Pick<CacheHeader, 'layout' | 'bytesPerPosition'> {
  return { layout: cache[0]!.layout.name, bytesPerPosition: bytesPerPosition(cache[0]!) }
}

/** @returns the adapter that the keys and values are of */
async function checkFits(loaded: LoadedModel, named: NamedAdapters, header: CacheHeader): Promise<unknown> {
  const { layout, bytesPerPosition: bytes } = layoutOf(loaded)
  if (header.model !== (await fingerprint(loaded))) {
    throw new SavedCacheError('model', 'another model computed it, or the same with other weights or options')
  }
  if (header.layout !== layout || header.bytesPerPosition !== bytes || header.first.length !== loaded.cache.length) {
    throw new SavedCacheError('layout', `its keys and values are ${header.layout}, those of this model ${layout}`)
  }
  const { length } = header.tokens
  if (length > loaded.positions) throw new ContextLengthError(length, loaded.contextLength)
  if (header.tokens.some((id) => id >= loaded.config.vocabSize)) {
    throw new SavedCacheError('damaged', 'it has tokens that the model has not')
  }
  if (header.adapter === null) return undefined
  const { name, mark } = header.adapter
  const adapter = named.infos.some((info) => info.name === name) ? named.find(name) : undefined
  if (adapter === undefined) throw new SavedCacheError('adapter', `the adapter ${JSON.stringify(name)} is not loaded`)
  if ((await digestOfAdapter(loaded, adapter)) !== mark) {
    throw new SavedCacheError('adapter', `another adapter was called ${JSON.stringify(name)}`)
  }
  return adapter
}

function digestOfAdapter(
  { gpu, runner }: LoadedModel,
  { slot, info }: ReturnType<NamedAdapters['find']> & object,
): Promise<string> {
  return digestOf(gpu, runner.adapters!.buffersOf(slot), JSON.stringify([info.scale, info.rank]))
}

function isSource(source: unknown): source is CacheSource {
  const kinds = [Blob, ReadableStream, Response, ArrayBuffer]
  return kinds.some((kind) => source instanceof kind) || ArrayBuffer.isView(source)
}

/** Reads as much as the header says, then sees that it ends there. Throws `SavedCacheError`, `AbortError`. */
export async function readSource(
  source: CacheSource,
  signal: AbortSignal | undefined,
): ReturnType<typeof readCacheFile> {
  const reader = streamOf(source).getReader()
  const stopListening = onAbort(signal, () => void reader.cancel().catch(() => {}))
  let chunk: Uint8Array = new Uint8Array()
  const next = async (): Promise<boolean> => {
    const { value, done } = await reader.read()
    if (signal?.aborted) throw new AbortError(signal.reason)
    chunk = value ?? chunk
    return !done
  }
  const take = async (bytes: number): Promise<Uint8Array<ArrayBuffer>> => {
    const pieces: Uint8Array[] = []
    let missing = bytes
    while (missing > 0) {
      if (chunk.length === 0 && !(await next()))
        throw new SavedCacheError('damaged', `it ends ${missing} bytes too early`)
      const piece = chunk.subarray(0, missing)
      chunk = chunk.subarray(piece.length)
      missing -= piece.length
      pieces.push(piece)
    }
    return joined(pieces, bytes)
  }
  try {
    const file = await readCacheFile(take)
    while (chunk.length === 0) if (!(await next())) return file
    throw new SavedCacheError('damaged', 'it goes on after its end')
  } finally {
    stopListening()
    reader.cancel().catch(() => {})
  }
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

function streamOf(source: CacheSource): ReadableStream<Uint8Array> {
  if (source instanceof ReadableStream) return source
  if (source instanceof Response) {
    if (source.body === null) throw new SavedCacheError('damaged', 'the response has no body')
    return source.body
  }
  return (source instanceof Blob ? source : new Blob([source as BlobPart])).stream()
}
