/** Node: files of the package itself that are texts. */
import { readFile } from 'node:fs/promises'

/** The text of a file of the package, of which all characters are bytes. Rejects where it cannot be read. */
export async function readOwnText(url: string): Promise<string> {
  // Asked for a text, Node makes it of pieces, which takes twice as long.
  return (await readFile(new URL(url))).toString('latin1')
}

/** The bytes of a text in base64. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  // A copy: short ones share their memory with others.
  return new Uint8Array(Buffer.from(text, 'base64'))
}
