/** A local file that is read by range. */
export interface RandomAccessFile {
  readonly size: number
  /** Exactly `length` bytes from `offset`, in `into` where that is given and the runtime can; throws when the file ends before. */
  read(
    offset: number,
    length: number,
    signal?: AbortSignal,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}
