/** What is known of a file when its first bytes have been read, and where it came from. */
import type { FileKind } from './file-kind.ts'

/** How a server gave a file. */
export interface Origin {
  /** The address that was asked for, without its query, which may hold a secret. */
  readonly url: string
  /** The HTTP status; undefined where a caller's own opener fetched the file. */
  readonly status: number | undefined
  /** The media type, in lower case and without parameters; empty when the server named none. */
  readonly type: string
  /** What the server calls the version of the file. */
  readonly version?: string | undefined
  /** The address that answered, when it is another one. */
  readonly redirectedTo?: string | undefined
}

/** Says that there is no such file, and why that is known. */
export class Absence {
  constructor(
    /** A sentence's end after the file's name, for example `the server answered 404`. */
    readonly fact: string,
  ) {}
}

/** Enough to see an error message whole, and the first tag of a template. */
export const HEAD_BYTES = 16 * 1024

/** `foreign` files are asked for only to say that they are of no use. */
export type Role = 'template' | 'json' | 'weights' | 'vocabulary' | 'foreign'

/** The examined file, with what the checks need. */
export interface Examined {
  readonly name: string
  readonly role: Role
  readonly kind: FileKind | undefined
  /** The first bytes as text; empty for binary files. */
  readonly text: string
  readonly size: number
  readonly origin: Origin | undefined
}

export function hasJinja(text: string): boolean {
  return /\{\{|\{%/.test(text)
}
