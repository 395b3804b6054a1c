/** GPT-2's alphabet: each byte is one printable character, so that byte-level BPE can work on strings. */

const CODE_OF_BYTE: readonly number[] = (() => {
  const codes: number[] = []
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    codes.push(printable ? byte : next++)
  }
  return codes
})()

const BYTE_OF_CODE = new Map(CODE_OF_BYTE.map((code, byte) => [code, byte]))

const CHARACTER_OF_BYTE = CODE_OF_BYTE.map((code) => String.fromCharCode(code))

/** @param bytes one character below 256 for each byte, as `atob` gives them */
export function alphabetOfBytes(bytes: string): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += CHARACTER_OF_BYTE[bytes.charCodeAt(i)]
  return text
}

/** The bytes that a token of a byte-level vocabulary stands for; a character outside the alphabet stands for itself. */
export function bytesOfAlphabet(token: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = []
  for (const char of token) {
    const byte = BYTE_OF_CODE.get(char.codePointAt(0) as number)
    if (byte === undefined) bytes.push(...new TextEncoder().encode(char))
    else bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}
