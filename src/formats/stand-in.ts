/**
 * Tells a file from what stands in its place. Servers of single-page applications (Vite's, for one) answer 200 with a web
 * page for every path, others with an error in JSON or XML; a clone without Git LFS holds pointers; a broken download
 * leaves an empty file. It is loaded for files whose first bytes are not plainly what their names say.
 *
 * The rule for web pages: what begins with `<!doctype html>` is one. So is what begins with any other tag, unless it is a
 * chat template (`.jinja`): templates may begin with `<s>`, `<|im_start|>` or even `<html>`. A template is a web page only
 * when it begins with `<html>` and holds no `{{` or `{%`, or when the server calls it `text/html` and it begins with an
 * element of HTML or holds no `{{` or `{%`.
 */
import { shortened } from '../errors/show.ts'
import { CheckpointError } from '../errors.ts'
import { Absence, type Examined, HEAD_BYTES, hasJinja, type Origin, type Role } from './examined.ts'

/** Error texts are short. */
const SHORT_BYTES = 1024
/** The most of a server's text that a message quotes. */
const MOST_QUOTED = 120

/**
 * @returns why the file counts as missing, when a server put something else in its place; undefined when all is well
 * @throws CheckpointError when the file exists and holds something else than its name says
 */
export async function judge(file: Examined): Promise<Absence | undefined> {
  const { name, role, origin } = file
  const stray = strayAnswer(file)
  if (stray !== undefined) {
    if (origin !== undefined) return new Absence(`the server sent ${stray} in place of the file (${shown(origin)})`)
    if (role === 'foreign') return undefined
    throw new CheckpointError({ file: name }, `is ${stray}, not the file that its name says; download it again`)
  }
  const fact = role === 'foreign' ? undefined : await wrongContent(file)
  if (fact !== undefined) throw new CheckpointError({ file: name }, fact)
  return undefined
}

/** What a server, or a download from one, put in the file's place; undefined when it is none of that. */
function strayAnswer(file: Examined): string | undefined {
  const { kind, text, origin, size, role } = file
  const html = isHtmlType(origin?.type)
  if (kind === 'empty') return html ? 'an empty page' : undefined
  if (isWebPage(file)) return 'a web page'
  const error = kind === 'json' ? errorInJson(text, role) : kind === 'markup' ? errorInXml(text, role) : undefined
  if (error !== undefined) return error
  if ((kind !== 'text' && kind !== 'json') || size > SHORT_BYTES || origin === undefined) return undefined
  return isServersWord(file, origin) ? `the text ${quoted(text)}` : undefined
}

/** Whether a short text, or JSON that is no error, cannot be the file. A template that is one would hold no message. */
function isServersWord({ role, kind, text }: Examined, { status, type }: Origin): boolean {
  // Bytes without a type, which a caller's own opener gave, may be a file that something else is wrong with.
  if (hasJinja(text) || (status === undefined && type === '')) return false
  if (role === 'json') return kind === 'text' || text.trimStart().startsWith('[')
  if (role !== 'template') return true
  const isDenial = type === 'text/plain' && /not found|denied|404/i.test(text)
  return isDenial || isHtmlType(type) || isJsonType(type) || isJson(text)
}

function isWebPage({ role, kind, text, origin }: Examined): boolean {
  const start = text.replace(/^(?:\s|<!--[\s\S]*?-->|<\?xml[^>]*\?>)+/i, '')
  if (/^<!doctype\s+html/i.test(start)) return true
  if (role !== 'template') return kind === 'markup' && (/^<html[\s>]/i.test(start) || isHtmlType(origin?.type))
  if (!isHtmlType(origin?.type)) return /^<html[\s>]/i.test(start) && !hasJinja(text)
  return /^<(?:html|head|body|title|meta|script|link|center|h1|div|p|pre)[\s>]/i.test(start) || !hasJinja(text)
}

function isHtmlType(type: string | undefined): boolean {
  return type === 'text/html' || type === 'application/xhtml+xml'
}

function isJsonType(type: string): boolean {
  return /^application\/(?:.+\+)?json$/.test(type)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The fields that an error has besides its message, in the frameworks that people use. */
const ERROR_FIELDS = new Set(
  `code detail details error errors hint instance message method msg name ok path reason request_id requestid stack
  status status_code statuscode success timestamp title trace_id traceid type url`.split(/\s+/),
)

/** `{"error": …}`, `{"message": "Not Found", "status": 404}`, `{"detail": …}` and their like. */
function errorInJson(text: string, role: Role): string | undefined {
  if (role === 'vocabulary' || text.length >= HEAD_BYTES) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const fields = new Map(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field as unknown]))
  // A file of added tokens may map "error" or "message" to an id: that is a number.
  const isText = (name: string) => typeof fields.get(name) === 'string'
  const hasError = ['error', 'errors'].some((name) => isText(name) || typeof fields.get(name) === 'object')
  const hasMessage = ['message', 'msg', 'detail', 'title'].some(isText)
  if (!hasError && !(hasMessage && [...fields.keys()].every((key) => ERROR_FIELDS.has(key)))) return undefined
  return `an error in JSON: ${quoted(text)}`
}

/** S3 and its relatives: `<?xml …?><Error><Code>NoSuchKey</Code>…`. */
function errorInXml(text: string, role: Role): string | undefined {
  const body = /^\s*(?:<\?xml[^>]*\?>\s*)?<([a-z][\w:.-]*)[\s>]/i.exec(text)
  const code = /<(?:code|message)>([^<]*)</i.exec(text)?.[1]
  const isError = body !== null && /^(?:error|errors|errorresponse)$/i.test(body[1]!) && code !== undefined
  if (isError) return `an error in XML: ${quoted(code)}`
  return role === 'template' || role === 'foreign' ? undefined : `XML: ${quoted(text)}`
}

/** The file is there, and nobody can use it as it is. */
async function wrongContent({ name, role, kind, text, origin }: Examined): Promise<string | undefined> {
  if (kind === 'empty') return 'is empty (0 bytes): its download or its copy did not finish'
  if (kind === 'lfs-pointer') return lfsFact(text, origin)
  if (role === 'template' && kind === undefined) return 'is not text, which a chat template is'
  if (kind === 'gguf' && /\.safetensors$/i.test(name)) return 'is a GGUF; call it *.gguf, and load it by that name'
  if (kind === 'safetensors' && /\.gguf$/i.test(name)) {
    return 'is a safetensors file; call it model.safetensors, beside the config.json and the tokenizer of its model'
  }
  // A file may have any name: it is for the parsers to say that these are not what they read.
  if (kind === undefined || ['json', 'text', 'markup', 'gguf', 'safetensors'].includes(kind)) return undefined
  if (kind === 'gzip' && origin !== undefined && !/\.t?gz$/i.test(name)) {
    return `came compressed with gzip (${shown(origin)}); the server must unpack it, or say Content-Encoding: gzip`
  }
  const { foreignFact } = await import('./foreign-files.ts')
  return foreignFact(kind, name)
}

function lfsFact(text: string, origin: Origin | undefined): string {
  const size = /^size (\d+)$/m.exec(text)?.[1]
  const what = `this is a Git LFS pointer${size === undefined ? '' : ` to ${size} bytes`}, not the file itself`
  if (origin === undefined) return `${what}; run "git lfs pull" in its repository, or download the file`
  const raw = origin.url.includes('/raw/') ? '; ask for /resolve/ in place of /raw/' : ''
  return `${what} (${shown(origin)})${raw || '; run "git lfs pull" where the server keeps its files'}`
}

/** For messages: the address, the status and the type of an answer. */
function shown({ url, status, type, redirectedTo }: Origin): string {
  const via = redirectedTo === undefined ? '' : `, after a redirect to ${redirectedTo}: is a login needed?`
  const blob = url.includes('/blob/') ? '; a file itself is at /resolve/ in place of /blob/' : ''
  const facts = [status === undefined ? '' : `status ${status}`, type].filter((fact) => fact !== '').join(', ')
  return `${url}${facts === '' ? '' : `: ${facts}`}${via}${blob}`
}

/** A server's text on one line, in quotes. */
function quoted(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ')
  return JSON.stringify(shortened(line, MOST_QUOTED))
}
