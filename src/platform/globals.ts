/** Types of the web platform for public declarations, which must compile where the platform's own types are not loaded. */

/** The instances of a global class; `never` where the compilation at hand does not know the class. */
type Global<Name extends string> =
  typeof globalThis extends Record<Name, { prototype: infer Instance }> ? Instance : never

export type AnyAbortSignal = Global<'AbortSignal'>
export type AnyBlob = Global<'Blob'>
export type AnyFile = Global<'File'>
export type AnyURL = Global<'URL'>
export type AnyDirectoryHandle = Global<'FileSystemDirectoryHandle'>
export type AnyFileHandle = Global<'FileSystemFileHandle'>
export type AnyEntry = Global<'FileSystemEntry'>
export type AnyRequest = Global<'Request'>
export type AnyResponse = Global<'Response'>
export type AnyReadableStream = Global<'ReadableStream'>
/** The options of `fetch`; an interface has no value to ask for, but `Request` takes it. */
export type AnyRequestInit = typeof globalThis extends { Request: new (input: never, init?: infer Init) => unknown }
  ? Init
  : never

/** The method that `using` calls, where the compilation at hand knows `Symbol.dispose`. */
export type Disposes = SymbolConstructor extends { readonly dispose: infer Key extends symbol }
  ? { [method in Key]: () => void }
  : Record<never, never>
