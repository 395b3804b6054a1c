/** Loads the model that the options name, with a progress bar where a person watches. */
import { platform } from '#platform'
import { MistralChat } from '../chat/mistral-chat.ts'
import type { AdapterInfo } from '../generate/adapter-types.ts'
import { MistralModel } from '../generate/mistral-model.ts'
import type { LoadOptions } from '../generate/options.ts'
import type { SamplerKind } from '../kernels/sampler.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import type { ModelPlan } from '../model/plan-types.ts'
import type { SamplingInput } from '../sampling/request-params.ts'
import { chosenModel } from './choice.ts'
import { type Cli, disabledFeatures, note } from './context.ts'
import { FACTS_INDENT } from './facts.ts'
import type { ModelOptions, PlainModelOptions } from './options.ts'
import { planLines } from './plan-text.ts'
import { progressBar } from './progress.ts'

/** What requests a loaded model works on. */
export interface BatchOptions {
  /** How the only request of the process chooses its tokens. */
  readonly firstSampler?: SamplerKind
  readonly maxSequences?: number
  readonly maxQueue?: number
}

/**
 * Loads the model that the options name, with a progress bar where a person watches.
 * @param tell says what is odd about the checkpoint; by default on standard error
 */
export async function loadChat(
  cli: Cli,
  options: ModelOptions & BatchOptions,
  signal: AbortSignal,
  tell: (text: string) => void | Promise<void> = (text) => note(cli, `note: ${text}`),
): Promise<MistralChat> {
  const { model, chatTemplate: template, adapters = [], ...rest } = options
  const told = new Set<string>()
  const chat = await withBar(cli, rest, signal, told, async (load) => {
    const chatTemplate = template === undefined ? undefined : await sourceOf(template)
    return chosenModel(cli, model ?? 'pocket', (model) => MistralChat.load(model, { ...load, chatTemplate }))
  })
  await orDispose(chat, async () => {
    for (const text of chat.model.notes) if (!told.has(text)) await tell(text)
    for (const given of adapters) {
      const { name, notes } = await loadAdapter(chat, given, signal)
      for (const text of notes) await tell(`adapter ${name}: ${text}`)
    }
  })
  return chat
}

/** A source may have a name before it; addresses and paths have other characters before their first equals sign. */
function loadAdapter(chat: MistralChat, given: string, signal: AbortSignal): Promise<AdapterInfo> {
  const [, name, source] = /^([\w.-]+)=(.+)$/s.exec(given) ?? []
  return chat.loadAdapter(source ?? given, { name, signal })
}

/** The request's parameters, with the adapter to answer with where one was loaded and they name none. */
export function withAdapter(chat: MistralChat, params: SamplingInput): SamplingInput {
  const [only, ...others] = chat.adapters
  const isNamed = params.adapter !== undefined || params.adapter_id !== undefined
  return only === undefined || others.length > 0 || isNamed ? params : { ...params, adapter: only.name }
}

/** Does what `loadChat` does, without what only a chat needs: also for a model without tokenizer. */
export async function loadModel(cli: Cli, options: PlainModelOptions, signal: AbortSignal): Promise<MistralModel> {
  const { model: source, ...rest } = options
  const told = new Set<string>()
  const model = await withBar(cli, rest, signal, told, (load) =>
    chosenModel(cli, source ?? 'pocket', (source) => MistralModel.load(source, load)),
  )
  await orDispose(model, async () => {
    for (const text of model.notes) if (!told.has(text)) await note(cli, `note: ${text}`)
  })
  return model
}

/** @param told gets what was said before weights came: which form was chosen, so that it can still be stopped */
async function withBar<T, O>(
  cli: Cli,
  { verbose, ...options }: O & { readonly verbose?: boolean | undefined },
  signal: AbortSignal,
  told: Set<string>,
  load: (options: Omit<O, 'verbose'> & LoadOptions) => Promise<T>,
): Promise<T> {
  const bar = progressBar(cli)
  const tell = (text: string) => void note(cli, text)
  const onProgress = (progress: LoadProgress) => bar.update(progress)
  const onChoice = (text: string) => {
    told.add(text)
    tell(`note: ${text}`)
  }
  const onPlan =
    verbose === true ? (plan: ModelPlan) => void note(cli, planLines(plan).join('\n'), FACTS_INDENT) : undefined
  const own = { disableFeatures: disabledFeatures(cli), signal, onProgress, onChoice, onPlan }
  try {
    return await load({ ...(options as Omit<O, 'verbose'>), ...own })
  } finally {
    bar.stop()
  }
}

/** Does what is left to do when a model is loaded; without it the model is of no use. */
async function orDispose(model: { dispose(): void }, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    model.dispose()
    throw error
  }
}

/** The text of a template's file. Throws `CheckpointError` when it cannot be read. */
async function sourceOf(path: string): Promise<string> {
  const file = await platform.openFile(path)
  try {
    return new TextDecoder().decode(await file.read(0, file.size))
  } finally {
    await file.close()
  }
}
