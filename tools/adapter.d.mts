/** What `adapter.mjs` exports. */
export interface AdapterChoice {
  readonly kind: string
  readonly env: Record<string, string>
}
export interface FoundAdapter {
  readonly vendor: string
  readonly architecture: string
  readonly description: string
  readonly software: boolean
  readonly features: readonly string[]
}
export const ADAPTER_KINDS: readonly string[]
type Environment = Record<string, string | undefined>
export interface FindOptions {
  readonly probe?: (env: Environment) => Promise<Partial<FoundAdapter> | undefined>
  readonly verdictFile?: string
}
export function findAdapter(env?: Environment, options?: FindOptions): Promise<AdapterChoice | undefined>
export function probeAdapter(env?: Environment): Promise<FoundAdapter | undefined>
