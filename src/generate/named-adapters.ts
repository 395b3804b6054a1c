/** The adapters of a model by the names that requests use. What loads them is fetched when the first one is. */
import { ParameterError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { LoadedModel } from '../model/loaded-model.ts'
import type { AdapterInfo, AdapterOptions, AdapterRegistry, LoadedAdapter } from './adapter-types.ts'
import type { Scheduler } from './scheduler.ts'

export class NamedAdapters implements AdapterRegistry {
  private readonly byName = new Map<string, LoadedAdapter>()

  constructor(
    readonly loaded: LoadedModel,
    readonly scheduler: Scheduler,
  ) {}

  get infos(): readonly AdapterInfo[] {
    return [...this.byName.values()].map(({ info }) => info)
  }

  /**
   * The adapter of that name; undefined for no name.
   * @throws ParameterError for a name that no adapter has
   */
  find(name: string | null | undefined, parameter = 'adapter'): LoadedAdapter | undefined {
    if (name === undefined || name === null) return undefined
    const adapter = this.byName.get(name)
    if (adapter !== undefined) return adapter
    const known = [...this.byName.keys()].map((known) => JSON.stringify(known)).join(', ')
    throw new ParameterError(parameter, name, `is no adapter of this model, which has ${known || 'none'}`)
  }

  /** @throws ParameterError for a name that an adapter has */
  refuseTaken(name: string): void {
    if (this.byName.has(name))
      throw new ParameterError('name', name, 'is the name of an adapter that is loaded already')
  }

  async load(source: ModelSource, options: AdapterOptions): Promise<AdapterInfo> {
    const { loadAdapter } = await import('./adapters.ts')
    return loadAdapter(this, source, options)
  }

  add(adapter: LoadedAdapter): void {
    this.byName.set(adapter.name, adapter)
  }

  async unload(name: string): Promise<void> {
    const adapter = this.find(name, 'name')
    if (adapter === undefined) throw new ParameterError('name', name, 'must be the name of an adapter')
    this.byName.delete(name)
    const { unloadAdapter } = await import('./adapters.ts')
    return unloadAdapter(this, adapter)
  }
}
