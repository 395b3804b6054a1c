/** The names in a folder of a web server, as far as it shows them: pages of links, nginx's and Caddy's JSON, S3's XML. */
import { decodeName, isPlainFileName } from './file-names.ts'
import { discard, nextPiece, request } from './http-request.ts'
import { inTime } from './hub/answers.ts'

const MAX_BYTES = 4 * 2 ** 20

/**
 * @param folder ends with a slash
 * @returns empty where the server shows nothing
 */
export async function listUrl(folder: URL, signal = new AbortController().signal): Promise<string[]> {
  return inTime(signal, (signal) => listed(folder, signal)).catch(() => [])
}

async function listed(folder: URL, signal: AbortSignal): Promise<string[]> {
  const response = await request(folder.href, folder.pathname, 'whole', signal)
  const type = response.headers.get('content-type') ?? ''
  const length = Number(response.headers.get('content-length') ?? 0)
  if (!response.ok || length > MAX_BYTES || !/html|json|xml/.test(type)) {
    await discard(response)
    return []
  }
  const text = await textOf(response)
  const found = /json/.test(type) ? namesInJson(text) : [...linksIn(text), ...keysIn(text)]
  // What the links lead to counts, wherever the answer came from.
  const names = found.map((link) => nameIn(folder, link, response.url || folder.href))
  return [...new Set(names.filter((name) => name !== undefined))]
}

async function textOf(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  while (reader !== undefined && text.length < MAX_BYTES) {
    const { done, value } = await nextPiece(reader).catch(() => ({ done: true as const, value: undefined }))
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  await reader?.cancel().catch(() => {})
  return text
}

function linksIn(html: string): string[] {
  const links = [...html.matchAll(/<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/gi)]
  return links.map(([, double, single, bare]) => unescaped(double ?? single ?? bare ?? ''))
}

function keysIn(xml: string): string[] {
  return [...xml.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key = '']) => `/${unescaped(key)}`)
}

function namesInJson(text: string): string[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return []
  }
  if (!Array.isArray(value)) return []
  const names = value.map((item: { name?: unknown } | string | null) => (typeof item === 'object' ? item?.name : item))
  return names.filter((name) => typeof name === 'string').map((name) => `./${encodeURIComponent(name)}`)
}

/** The plain name of what lies in the folder itself. */
function nameIn(folder: URL, link: string, base: string): string | undefined {
  if (!URL.canParse(link, base)) return undefined
  const { origin, pathname } = new URL(link, base)
  const here = new URL(base)
  const inFolder = pathname.startsWith(folder.pathname) || pathname.startsWith(here.pathname)
  if (origin !== here.origin || !inFolder) return undefined
  const rest = pathname.slice((pathname.startsWith(folder.pathname) ? folder : here).pathname.length)
  const name = decodeName(rest)
  return rest !== '' && !rest.includes('/') && isPlainFileName(name) ? name : undefined
}

function unescaped(text: string): string {
  return text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'")
}
