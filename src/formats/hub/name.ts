/** Names of models on the Hugging Face Hub, as people write and paste them. */
import { CheckpointError } from '../../errors.ts'
import { decodeName } from '../file-names.ts'

/** What a name says. */
export interface HubName {
  /** `owner/name` */
  readonly repository: string
  /** A branch, a tag or a commit. */
  readonly revision: string
  /** What of the repository is meant: a file, a folder, or a type such as `Q4_K_M`. */
  readonly pick: string | undefined
  /** False for two words with a slash, which may as well be a path or an address. */
  readonly isExplicit: boolean
}

/** A name, with undefined for a revision that it does not say. */
export type HubParts = Omit<HubName, 'revision'> & { readonly revision: string | undefined }

const HOST = /^(?:https?:\/\/)?(?:www\.)?(?:hf\.co|huggingface\.co)\//i
const SCHEME = /^hf:(?:\/\/)?/i
const REPOSITORY = /^[\w][\w.-]*\/[\w][\w.-]*$/
const NAME = /^([\w][\w.-]*\/[\w][\w.-]*?)(?:@([^:\s]+))?(?:(:|\/)(\S(?:.*\S)?))?$/
/** A file and no repository, and what may stand behind a slash. */
const FILE = /\.(?:gguf|safetensors|json)$/i
/** The revisions of the Hub's own that have slashes in their names. */
const SPECIAL = /^(refs\/(?:pr\/\d+|convert\/[\w.-]+))(?:\/(.+))?$/
/** Pages of files and folders. */
const PAGE = /^(?:tree|blob|resolve|raw|blame)$/

/**
 * Understands `owner/name`, `owner/name@revision`, `owner/name:Q4_K_M`, `owner/name:file.gguf`, `owner/name/file.gguf`, each with
 * `hf:`, `hf.co/` or `huggingface.co/` before it, `hf://` as huggingface_hub reads it, and addresses of the Hub's pages and files.
 * @returns undefined for anything else
 */
export function parseHubName(text: string): HubName | undefined {
  const parts = hubParts(text)
  return parts === undefined ? undefined : { ...parts, revision: parts.revision ?? 'main' }
}

/** As {@link parseHubName}, for those to whom it matters whether a revision was named. */
export function hubParts(text: string): HubParts | undefined {
  const given = text.trim()
  if (HOST.test(given)) return fromPage(given.replace(HOST, ''), 'the Hugging Face Hub')
  if (!SCHEME.test(given)) return fromWords(given, false)
  const words = given.replace(SCHEME, '').replace(/^models\//, '')
  const isOther = /^(?:datasets|spaces|kernels|buckets)\//.test(words)
  const name = isOther ? undefined : fromWords(words, true, /^hf:\/\//i.test(given))
  if (name !== undefined) return name
  throw new CheckpointError(
    { file: text.slice(0, 200) },
    'is no name of a model on the Hugging Face Hub: hf:owner/name',
  )
}

/** A page or a file of another Hub, whose address is known; undefined for what else its server may have. */
export function hubNameAt(url: URL, endpoint: string): HubName | undefined {
  const base = `${endpoint.replace(/\/+$/, '')}/`
  const path = url.href.startsWith(base) ? url.href.slice(base.length) : ''
  const [owner, name, kind = 'tree'] = path.replace(/\/*(?:[?#].*)?$/s, '').split('/')
  // Where it is a server of files as well, those have addresses of other shapes.
  if (!owner || !name || !PAGE.test(kind)) return undefined
  try {
    const parts = fromPage(path, endpoint)
    return { ...parts, revision: parts.revision ?? 'main' }
  } catch {
    return undefined
  }
}

/** What is written behind the scheme. `isUri`: by the grammar of `hf://`, in which a revision ends at a slash. */
function fromWords(bare: string, isExplicit: boolean, isUri = false): HubParts | undefined {
  const match = NAME.exec(bare.replace(/\/+$/, ''))
  if (match === null || /(?:^|\/)\.{1,2}(?:\/|$)/.test(bare)) return undefined
  const [, repository = '', tail, separator, pick] = match
  const mayBeFolder = isExplicit || separator !== '/' || FILE.test(pick ?? '')
  if (FILE.test(repository) || !mayBeFolder) return undefined
  const isClear = isExplicit || tail !== undefined || separator === ':'
  if (tail === undefined || pick !== undefined) return { repository, revision: tail, pick, isExplicit: isClear }
  return { repository, ...revisionAndFile(tail, isUri), isExplicit: isClear }
}

/** `refs/pr/7/x.gguf` and `main/x.gguf` are a revision and a file, `feature/x` is a revision. */
function revisionAndFile(tail: string, isUri: boolean): Pick<HubParts, 'revision' | 'pick'> {
  const special = SPECIAL.exec(tail)
  if (special !== null) return { revision: special[1], pick: special[2] }
  const cut = tail.indexOf('/')
  if (cut < 0 || !(isUri || FILE.test(tail))) return { revision: isUri ? decodeName(tail) : tail, pick: undefined }
  return { revision: decodeName(tail.slice(0, cut)), pick: tail.slice(cut + 1) }
}

/** `owner/name`, `owner/name/tree/REVISION/folder`, `owner/name/resolve/REVISION/file`, and names with a colon. */
function fromPage(path: string, hub: string): HubParts {
  const bare = path.replace(/[?#].*$/s, '').replace(/\/+$/, '')
  const parts = bare.split('/').map(decodeName)
  const repository = parts.slice(0, 2).join('/')
  const [, , kind, ...rest] = parts
  if (kind !== undefined && PAGE.test(kind) && REPOSITORY.test(repository)) {
    const special = SPECIAL.exec(rest.join('/'))
    const [revision, ...inside] = special === null ? rest : [special[1], ...(special[2]?.split('/') ?? [])]
    const pick = inside.length === 0 ? undefined : inside.join('/')
    return { repository, revision, pick, isExplicit: true }
  }
  const name = fromWords(parts.join('/'), false)
  // The Hub shows what is in a GGUF on the page of its repository.
  const shown = /[?&]show_file_info=([^&#]+)/.exec(path)?.[1]
  if (name !== undefined) return { ...name, pick: name.pick ?? (shown && decodeName(shown)), isExplicit: true }
  throw new CheckpointError({ file: path.slice(0, 200) || hub }, `is no page of a model on ${hub}`)
}
