/** Files that are texts in base64, read by range: what is not asked for is not decoded. */
import type { CustomReader } from './byte-reader.ts'
import type { FileOpener } from './file-opener.ts'

type Decode = (text: string) => Uint8Array<ArrayBuffer>

/** The newest runtimes have it. */
const { fromBase64 } = Uint8Array as { fromBase64?: Decode }

/**
 * @param text base64 of RFC 4648 with its padding, without line breaks
 * @param decode of such texts, where the runtime has a faster way than pages do
 */
export function base64Reader(text: string, decode: Decode = decodeInPage): CustomReader {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return {
    size: (text.length / 4) * 3 - padding,
    read(offset, length) {
      // Four characters hold three bytes.
      const first = Math.floor(offset / 3)
      const last = Math.ceil((offset + length) / 3)
      const start = offset - 3 * first
      return decode(text.slice(4 * first, 4 * last)).subarray(start, start + length)
    },
  }
}

/** Opens the texts by name. */
export function base64Files(texts: Readonly<Record<string, string>>, decode?: Decode): FileOpener {
  return {
    open: (name) => (Object.hasOwn(texts, name) ? base64Reader(texts[name]!, decode) : undefined),
    list: () => Object.keys(texts),
  }
}

function decodeInPage(text: string): Uint8Array<ArrayBuffer> {
  if (fromBase64 !== undefined) return fromBase64.call(Uint8Array, text)
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i)
  return bytes
}
