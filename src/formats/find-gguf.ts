/**
 * Finds the one GGUF that a source means: by name, and where names say nothing by content. It is loaded where that is not
 * plain at once.
 */
import { CheckpointError } from '../errors.ts'
import type { Backend } from './backend.ts'
import type { ByteReader } from './byte-reader.ts'
import { fileKind, KIND_BYTES } from './file-kind.ts'
import { isGguf } from './file-names.ts'

type Open = (name: string) => Promise<ByteReader | undefined>

/** Of a folder of blobs without names, so many are looked into. */
const MOST_LOOKED_INTO = 200
/** Endings that say enough: these files need not be opened to know that they are no GGUF. */
const OTHER_ENDINGS = /\.(?:safetensors|json|jinja2?|model(?:\.v\d+m?\d*)?)$/i
/** Parts of a model that a GGUF can hold besides the language model: projectors for images and sound, statistics. */
const NO_MODEL = /(?:^|[^a-z])(?:mmproj|imatrix)(?:[^a-z]|$)/i
const SPLIT_PART = /-\d{5}(-of-\d{5}\.gguf)$/i

/** The file that the source means, when it means one, and the GGUF to load. */
export interface FoundGguf {
  readonly fileName: string | undefined
  readonly ggufName: string | undefined
  /** The names of the source, where they had to be asked for. */
  readonly names?: readonly string[] | undefined
}

/**
 * @param hasConfig whether there is a `config.json`
 * @param open shares its readers: what is opened here costs no second request
 */
export async function findGguf(
  backend: Backend,
  hasConfig: boolean,
  open: Open,
  signal?: AbortSignal,
): Promise<FoundGguf> {
  const { fileName, names, selfName } = backend
  if (fileName !== undefined) {
    const found = isGguf(fileName) || (!OTHER_ENDINGS.test(fileName) && (await holdsGguf(fileName, open, signal)))
    return { fileName, ggufName: found ? fileName : undefined }
  }
  if (names !== undefined) {
    const ggufs = modelGgufs(names)
    // Repositories of GGUFs often keep the config.json of the model that they were made from.
    const unwanted = hasConfig && names.some((name) => /\.safetensors$/i.test(name))
    if (ggufs.length === 1 && !unwanted) return { fileName, ggufName: ggufs[0] }
    return { fileName, ggufName: hasConfig || ggufs.length > 0 ? undefined : await onlyByContent(names, open, signal) }
  }
  if (hasConfig) return { fileName, ggufName: undefined }
  if ((await open('model.gguf')) !== undefined) return { fileName, ggufName: 'model.gguf' }
  const isSelf = selfName !== undefined && (await holdsGguf(selfName, open, signal).catch(falseWhenRefused))
  if (isSelf) return { fileName: selfName, ggufName: selfName }
  const listed = (await backend.list?.(signal)) ?? []
  const ggufs = modelGgufs(listed)
  // Of several, the error names them.
  const isClear = ggufs.length === 1
  return { fileName, ggufName: isClear ? ggufs[0] : undefined, names: ggufs.length > 1 ? listed : undefined }
}

/** The names of language models among GGUFs; of a split one only the first part. */
export function modelGgufs(names: readonly string[]): string[] {
  const split = new Set<string>()
  return names
    .filter((name) => isGguf(name) && !NO_MODEL.test(name))
    .sort()
    .filter((name) => {
      const whole = name.replace(SPLIT_PART, '$1')
      if (whole === name) return true
      const isFirst = !split.has(whole)
      split.add(whole)
      return isFirst
    })
}

/** The GGUFs that {@link modelGgufs} leaves out. */
export function otherGgufs(names: readonly string[]): string[] {
  return names.filter((name) => isGguf(name) && NO_MODEL.test(name))
}

/** Ollama keeps its models in files called by their hash. */
async function onlyByContent(names: readonly string[], open: Open, signal?: AbortSignal): Promise<string | undefined> {
  const found = await ggufsByContent(names, open, signal)
  return found.length === 1 ? found[0] : undefined
}

/** The names without an ending that hold a GGUF. */
export async function ggufsByContent(names: readonly string[], open: Open, signal?: AbortSignal): Promise<string[]> {
  const found: string[] = []
  const nameless = names.filter((name) => !name.includes('.')).slice(0, MOST_LOOKED_INTO)
  for (const name of nameless) if (await holdsGguf(name, open, signal)) found.push(name)
  return found
}

/** Many servers refuse to show a folder, which says nothing about its files. */
function falseWhenRefused(error: unknown): false {
  if (error instanceof CheckpointError && error.fact.startsWith('the server answered')) return false
  throw error
}

async function holdsGguf(name: string, open: Open, signal?: AbortSignal): Promise<boolean> {
  const reader = await open(name)
  if (reader === undefined || reader.size === 0) return false
  return fileKind(await reader.read(0, Math.min(reader.size, KIND_BYTES), signal), reader.size) === 'gguf'
}
