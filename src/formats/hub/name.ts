/** Names of models on the Hugging Face Hub, as people write and paste them. */
import { CheckpointError } from '../../errors.ts'

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

const HOST = /^(?:https?:\/\/)?(?:www\.)?(?:hf\.co|huggingface\.co)\//i
const SCHEME = /^hf:(?:\/\/)?/i
const REPOSITORY = /^[\w][\w.-]*\/[\w][\w.-]*$/
const NAME = /^([\w][\w.-]*\/[\w][\w.-]*?)(?:@([^:\s]+))?(?:(:|\/)([^\s]+))?$/
/** A file and no repository, and what may stand behind a slash. */
const FILE = /\.(?:gguf|safetensors|json)$/i

/**
 * Understands `owner/name`, `owner/name@revision`, `owner/name:Q4_K_M`, `owner/name:file.gguf`, `owner/name/file.gguf`, each with
 * `hf:`, `hf.co/` or `huggingface.co/` before it, and addresses of the Hub's pages and files.
 * @returns undefined for anything else
 */
export function parseHubName(text: string): HubName | undefined {
  const isHost = HOST.test(text)
  if (isHost) return fromPage(text.replace(HOST, ''))
  const bare = text.replace(SCHEME, '')
  const match = NAME.exec(bare)
  if (match === null || /(?:^|\/)\.{1,2}(?:\/|$)/.test(bare) || /^[./~]/.test(text)) return undefined
  const [, repository = '', revision, separator, pick] = match
  if (FILE.test(repository) || (separator === '/' && !FILE.test(pick ?? ''))) return undefined
  const isExplicit = bare !== text || revision !== undefined || separator === ':'
  return { repository, revision: revision ?? 'main', pick, isExplicit }
}

/** `owner/name`, `owner/name/tree/REVISION/folder`, `owner/name/resolve/REVISION/file`, and names with a colon. */
function fromPage(path: string): HubName | undefined {
  const bare = path.replace(/[?#].*$/s, '').replace(/\/+$/, '')
  const parts = bare.split('/').map(decoded)
  const repository = parts.slice(0, 2).join('/')
  const [, , kind, revision, ...inside] = parts
  if (kind !== undefined && /^(?:tree|blob|resolve|raw)$/.test(kind) && REPOSITORY.test(repository)) {
    const pick = inside.length === 0 ? undefined : inside.join('/')
    return { repository, revision: revision ?? 'main', pick, isExplicit: true }
  }
  const name = parseHubName(`hf:${bare}`)
  if (name !== undefined) return name
  throw new CheckpointError({ file: path.slice(0, 200) }, 'is no page of a model on the Hugging Face Hub')
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
