/** One kind of source: what paths, URLs, dropped files and openers implement, before readers are shared and examined. */
import type { ByteReader } from './byte-reader.ts'
import type { Absence, Origin } from './examined.ts'

/** An opened file. */
export interface Found {
  readonly reader: ByteReader
  /** Undefined for a file that certainly exists; else something may stand in its place. */
  readonly origin?: Origin | undefined
}

export interface Backend {
  /** For messages: the path, the URL, or what kind of source it is. */
  readonly label: string
  /** The file that the source named, when it named one and not a folder. */
  readonly fileName?: string | undefined
  /** The names there are, for sources that can tell. */
  readonly names?: readonly string[] | undefined
  /** Undefined when there is no such file. */
  open(name: string, signal?: AbortSignal): Promise<Found | Absence | undefined>
  /** The name under which `open` gives what lies at the source's own address, which may be a file and not a folder. */
  readonly selfName?: string | undefined
  /** Asks for the names, where that takes an effort; empty where nobody tells. */
  list?(signal?: AbortSignal): Promise<readonly string[]>
  /** What the user should know of how the source was understood, one sentence each. */
  readonly notes?: readonly string[] | undefined
  /** Brings the weights that were opened and are not here yet. */
  prepare?(signal?: AbortSignal): Promise<void>
  /** What to try instead, when the source holds no checkpoint. */
  advice?(): Promise<string | undefined>
}
