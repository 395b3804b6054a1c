/** A local file that is read by range. */
export interface RandomAccessFile {
  readonly size: number
  /** Exactly `length` bytes from `offset`; throws when the file ends before. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}
