/** Reads a file that is a text in base64, by range: what is not asked for is not decoded. */
import type { CustomReader } from './byte-reader.ts'

/** @param text base64 of RFC 4648 with its padding, without line breaks */
export function base64Reader(text: string): CustomReader {
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

function decode(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i)
  return bytes
}
