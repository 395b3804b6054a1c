/**
 * The file of a saved key/value cache: a fixed beginning, a header in JSON, the keys and values of each layer, and a check sum at
 * the end. All numbers are little-endian.
 *
 *   0  "MWKV"   4  version   8  bytes of the header   12  check sum of the header   16  header, padded to 4 bytes
 */
import { SavedCacheError } from '../errors.ts'
import { FIRST_SUM, sumOfWords } from './word-sum.ts'

/** What the file says of its contents. */
export interface CacheHeader {
  /** Tells the weights and the config that computed them. */
  readonly model: string
  /** Type of the cache. */
  readonly layout: string
  /** Bytes of one position of a layer: the keys, or values, of all heads. */
  readonly bytesPerPosition: number
  /** Tells the adapter that they were computed with; null for none. */
  readonly adapter: { readonly name: string; readonly mark: string } | null
  /** The tokens at positions 0, 1, … */
  readonly tokens: readonly number[]
  /** The first position of each layer that is there; layers with a sliding window have lost those before. */
  readonly first: readonly number[]
}

export interface CacheFile {
  readonly header: CacheHeader
  /** [2, heads, positions, bytes of a key] of each layer. */
  readonly layers: readonly Uint8Array<ArrayBuffer>[]
}

const MAGIC = 0x564b574d
export const CACHE_VERSION = 1
const PREFIX = 16
/** A million tokens take some seven megabytes. */
const MOST_HEADER = 64 << 20

/** The parts of the file in order. */
export function cacheFileParts({ header, layers }: CacheFile): Uint8Array<ArrayBuffer>[] {
  const json = new TextEncoder().encode(JSON.stringify(header))
  const length = Math.ceil(json.length / 4) * 4
  const head = new Uint8Array(PREFIX + length).fill(0x20, PREFIX)
  head.set(json, PREFIX)
  const sum = sumOfWords(head.subarray(PREFIX))
  head.set(new Uint8Array(Uint32Array.of(MAGIC, CACHE_VERSION, length, sum).buffer))
  const end = layers.reduce((sum, layer) => sumOfWords(layer, sum), FIRST_SUM)
  return [head, ...layers, new Uint8Array(Uint32Array.of(end).buffer)]
}

/** Reads what `cacheFileParts` wrote. Throws `SavedCacheError` for anything else. */
export async function readCacheFile(take: (bytes: number) => Promise<Uint8Array<ArrayBuffer>>): Promise<CacheFile> {
  const [magic, version, length, sum] = new Uint32Array((await take(PREFIX)).buffer)
  if (magic !== MAGIC) throw new SavedCacheError('damaged', 'this is no saved cache: it does not begin with "MWKV"')
  if (version !== CACHE_VERSION) {
    throw new SavedCacheError('version', `it has version ${version}, and this library reads version ${CACHE_VERSION}`)
  }
  if (length! > MOST_HEADER || length! % 4 !== 0) throw new SavedCacheError('damaged', `a header of ${length} bytes`)
  const json = await take(length!)
  if (sumOfWords(json) !== sum) throw new SavedCacheError('damaged', 'the header is not what was written')
  const header = checkedHeader(new TextDecoder().decode(json))
  const layers: Uint8Array<ArrayBuffer>[] = []
  let running = FIRST_SUM
  for (const first of header.first) {
    const layer = await take(2 * (header.tokens.length - first) * header.bytesPerPosition)
    running = sumOfWords(layer, running)
    layers.push(layer)
  }
  const [end] = new Uint32Array((await take(4)).buffer)
  if (end !== running) throw new SavedCacheError('damaged', 'keys and values are not what was written')
  return { header, layers }
}

/** A check sum that is right may stand on a header that nobody of us wrote. */
function checkedHeader(text: string): CacheHeader {
  let header: Partial<CacheHeader> | null = null
  try {
    header = JSON.parse(text)
  } catch {
    // Refused below.
  }
  const { model, layout, bytesPerPosition, adapter, tokens, first } = header ?? {}
  const isCount = (value: unknown, most: number): value is number =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
  const isList = (value: unknown, most: number): value is number[] =>
    Array.isArray(value) && value.length > 0 && value.every((one) => isCount(one, most))
  const good =
    typeof model === 'string' &&
    typeof layout === 'string' &&
    isCount(bytesPerPosition, 1 << 24) &&
    bytesPerPosition % 4 === 0 &&
    isList(tokens, 2 ** 31) &&
    isList(first, tokens.length - 1) &&
    (adapter === null || (typeof adapter?.name === 'string' && typeof adapter.mark === 'string'))
  if (!good) throw new SavedCacheError('damaged', 'its header does not say what is in it')
  return { model, layout, bytesPerPosition, adapter, tokens, first }
}
