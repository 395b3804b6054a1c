/** What runs in a shared worker: models, each for the tabs that load the same. */
import { throwIfAborted } from '../async/abort.ts'
import type { ChatLoadOptions, MistralChat } from '../chat/mistral-chat.ts'
import { MistralError } from '../errors.ts'
import type { ModelSource } from '../formats/source.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import { type Tabs, tabsOfOrigin } from '../platform/tabs.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import { ClientSession, type OtherCall } from './client-session.ts'
import { hostLock, VERSION } from './group.ts'
import { HostedModel } from './hosted-model.ts'
import type { ModelFacts } from './protocol.ts'
import { thinned } from './thinned.ts'

export class SharedHost {
  /** The name of this worker, which no other has. */
  readonly term = crypto.randomUUID()
  readonly #models = new Map<string, HostedModel>()
  #standing: Promise<void> | undefined

  /**
   * @param hasAdapter whether this worker could compute
   * @param tabs makes what tabs share
   */
  constructor(
    private readonly hasAdapter: () => Promise<boolean>,
    private readonly tabs: () => Tabs = tabsOfOrigin,
  ) {}

  /** A tab can be heard through this port. */
  connect(port: WorkerPort): void {
    new TabSession(port, this)
  }

  /** Throws `MistralError` where this worker is none for such a page. */
  async ready(version: string): Promise<void> {
    if (version !== VERSION) throw new MistralError(`it is of version ${VERSION}, the page of ${version}`)
    this.#standing ??= this.#stand()
    await this.#standing
    if (this.#models.size === 0 && !(await this.hasAdapter())) throw new MistralError('it has no GPU')
  }

  modelOf(group: string): HostedModel {
    let model = this.#models.get(group)
    if (model === undefined) {
      model = new HostedModel(this.tabs(), group, () => this.#models.delete(group))
      this.#models.set(group, model)
    }
    return model
  }

  /** Tabs see by this lock whether the worker lives. */
  async #stand(): Promise<void> {
    await this.tabs().lock(hostLock(this.term), new AbortController().signal)
  }
}

/** What one tab asks. */
class TabSession extends ClientSession {
  #model: HostedModel | undefined
  #name = ''

  constructor(
    port: WorkerPort,
    private readonly host: SharedHost,
  ) {
    super(port)
  }

  protected get chat(): MistralChat {
    return this.#joined.chat
  }

  get #joined(): HostedModel {
    if (this.#model === undefined) throw new MistralError('this tab has not joined')
    return this.#model
  }

  protected tellChanges(): void {
    this.#model?.tellChanges()
  }

  protected override sharing(): ModelFacts['shared'] {
    return { term: this.host.term, tabs: this.#joined.members.size }
  }

  protected async answerOther({ id, method, args, signal }: OtherCall): Promise<unknown> {
    if (method === 'join') {
      const [version, group, name] = args as [string, string, string]
      await this.host.ready(version)
      // A tab that waited no longer has come again through another port.
      throwIfAborted(signal)
      this.#model = this.host.modelOf(group)
      this.#name = name
      this.#model.join(name, this)
      return this.host.term
    }
    if (method === 'dispose') return this.#model?.leave(this.#name)
    if (method === 'share') throw new MistralError('this worker shares by itself')
    const [source, options] = args as [ModelSource, ChatLoadOptions]
    const onProgress = thinned((progress: LoadProgress) => this.post({ id, op: 'progress', progress }))
    return this.#joined.load(source, options, onProgress, signal)
  }
}
