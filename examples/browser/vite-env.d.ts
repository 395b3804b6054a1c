/** What Vite puts in place of `import.meta.env`. */
interface ImportMeta {
  readonly env: {
    readonly MODE: string
    /** The folder of the embedded model. */
    readonly POCKET: string
  }
}

/** Styles are imported for their effect. */
declare module '*.css'
