/** Answers: how they are asked for, written, stopped, and gone on with. Each conversation has its own. */
import { batch, signal } from '@preact/signals'
import { AbortError, type ChatMessage, type ChatRequest, ContextLengthError } from 'mistral-webgpu'
import { branches, choose, type Entry, pathTo, type Token, withEntry } from './conversation.ts'
import { type Begun, Draft } from './draft.ts'
import { add, change, current, refresh, remove } from './history.ts'
import { type Loaded, loaded } from './model.ts'
import {
  drop,
  forget,
  holding,
  identityOf,
  keep,
  note,
  path,
  refreshAnswer,
  running,
  viewed,
  writing,
} from './running.ts'
import { settings } from './settings.ts'
import { type KeptAnswer, listen, type News, tell } from './store.ts'

/** What went wrong last, and in which conversation. */
export const askError = signal<{ readonly conversation: string; readonly text: string } | undefined>(undefined)

/** Alternatives that are brought for each token. */
const ALTERNATIVES = 6
/** Milliseconds between two states of an answer that are kept, at least; one more for each token, as it takes longer. */
const KEEP_EVERY = 250

interface Writer {
  readonly draft: Draft
  readonly controller: AbortController
}
/** Those of this tab. */
const writers = new Map<string, Writer>()

/** Says something at the end of the conversation, and answers it. */
export async function ask(text: string): Promise<void> {
  if (loaded.value === undefined || writing.value !== undefined) return
  const last = path.value.at(-1)
  if (last?.live === 'cut') await settle(last)
  await say(text, last?.id)
}

/** Another answer to the same. */
export async function regenerate(entry: Entry): Promise<void> {
  if (entry.live === 'cut') await settle(entry)
  await answer(entry.parent)
}

/** An answer to a question that has none, since something went wrong. */
export function answerTo({ id }: Entry): Promise<void> {
  return answer(id)
}

/** The same question in other words: a branch beside it. */
export async function edit({ parent }: Entry, text: string): Promise<void> {
  await say(text, parent)
}

/** Goes on from an answer's token with another in its place: a branch beside the answer. */
export async function goOnWith(entry: Entry, index: number, alternative: Token['top'][number]): Promise<void> {
  const { parent, tokens = [], promptIds = [] } = entry
  if (!canTakeOthers(entry)) return
  const before = tokens.slice(0, index)
  const first: Token = { ...alternative, top: tokens[index]!.top }
  const ids = [...promptIds, ...before.map(({ id }) => id), alternative.id]
  await write(parent, { prompt: ids }, { tokens: [...before, first], promptIds })
}

/** Whether the model that is there can take another of an answer's tokens: those of another model mean nothing to it. */
export function canTakeOthers({ promptIds, model }: Entry): boolean {
  return promptIds !== undefined && loaded.value !== undefined && identityOf(loaded.value) === model
}

/** Goes on where an answer was cut off, in its own place: by whatever model is there now, from the text. */
export async function goOn(entry: Entry): Promise<void> {
  const { id, parent, text, tokens, reasoning } = entry
  const own = canTakeOthers(entry) ? { promptIds: entry.promptIds! } : {}
  const begun = { id, text, ...own, ...(tokens && { tokens }), ...(reasoning !== undefined && { reasoning }) }
  await write(parent, promptOf([...pathTo(viewed.value, parent), entry]), begun)
}

/** Stops an answer, in whatever tab it is written. */
export function stop(id: string): void {
  const writer = writers.get(id)
  if (writer !== undefined) writer.controller.abort()
  else tell({ about: 'stop', id })
}

/** Deletes a conversation, and what is being written in it. */
export async function removeAll(id: string): Promise<void> {
  const removed = remove(id)
  await dropOrphans(id)
  await removed
}

/** Hears what other tabs do, and keeps what runs here when the page goes. */
export function attend(): void {
  listen((news) => void take(news))
  const keepAll = () => {
    for (const { draft } of writers.values()) void keep(draft.kept())
  }
  addEventListener('pagehide', keepAll)
  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && keepAll())
}

async function take({ about, id }: News): Promise<void> {
  if (about === 'stop') return writers.get(id)?.controller.abort()
  if (about === 'answer') return refreshAnswer(id)
  if (!(await refresh(id))) await dropOrphans(id)
}

/** The answers of a conversation that is gone. */
async function dropOrphans(conversation: string): Promise<void> {
  for (const [id, one] of running.value) {
    if (one.conversation !== conversation) continue
    const writer = writers.get(id)
    writer?.controller.abort()
    if (writer !== undefined || one.live === 'cut') await drop(id)
  }
}

async function say(text: string, parent: string | undefined): Promise<void> {
  if (loaded.value === undefined) return
  const question: Entry = { id: crypto.randomUUID(), parent, role: 'user', text }
  void add(current.value.id, question)
  await answer(question.id)
}

/** What was cut off stays as it is. */
async function settle({ live: _, ...entry }: Entry): Promise<void> {
  const { id } = current.value
  await change(id, (before) => withEntry(before, { ...entry, end: 'stopped' }))
  await drop(entry.id)
}

async function answer(parent: string | undefined): Promise<void> {
  await write(parent, promptOf(pathTo(viewed.value, parent)), {})
}

function promptOf(entries: readonly Entry[]): Pick<ChatRequest, 'prompt' | 'messages'> {
  // A text that is continued as it stands goes on with the answer to it.
  if (loaded.value?.raw) {
    const from = entries.findLastIndex(({ role }) => role === 'user')
    return {
      prompt: entries
        .slice(from)
        .map(({ text }) => text)
        .join(''),
    }
  }
  const system = settings.system.value.trim()
  const messages: ChatMessage[] = entries.map(({ role, text }) => ({ role, content: text }))
  if (system !== '') messages.unshift({ role: 'system', content: system })
  return { messages }
}

/** @param begun what the answer has already, when it goes on from there */
async function write(parent: string | undefined, prompt: Partial<ChatRequest>, begun: Begun): Promise<void> {
  const model = loaded.value
  const conversation = current.value.id
  if (model === undefined || writers.has(begun.id ?? '')) return
  askError.value = undefined
  let draft: Draft
  try {
    const request = { ...settings.request(), ...prompt, logprobs: true, top_logprobs: ALTERNATIVES }
    draft = Draft.of({ conversation, parent, begun, model: identityOf(model) }, request as ChatRequest)
  } catch (error) {
    askError.value = { conversation, text: (error as Error).message }
    return
  }
  const writer = { draft, controller: new AbortController() }
  writers.set(draft.id, writer)
  batch(() => {
    note(draft.entry(), draft, 'here')
    void change(conversation, (before) => choose(before, { parent, id: draft.id }))
  })
  await holding(draft.id, () => run(writer, model))
}

/** Goes on with an answer that another page began. */
export async function goOnWithKept(kept: KeptAnswer, model: Loaded): Promise<void> {
  try {
    const writer = { draft: Draft.goingOn(kept), controller: new AbortController() }
    writers.set(kept.entry.id, writer)
    note(kept.entry, kept, 'here')
    await run(writer, model)
  } catch {
    // An older version of this page has kept it.
    note(kept.entry, kept, 'cut')
  }
}

async function run({ draft, controller }: Writer, model: Loaded): Promise<void> {
  const { conversation } = draft
  void keep(draft.kept())
  const pace = new Pace(draft)
  let end: Partial<Entry>
  try {
    const stream = model.chat.resume(draft.journal, { signal: controller.signal })
    for await (const chunk of stream) {
      draft.add(chunk)
      pace.step()
    }
    end = draft.end(await stream.completion)
  } catch (error) {
    const isAborted = controller.signal.aborted || error instanceof AbortError
    end = { end: isAborted ? 'stopped' : 'failed' }
    // The model is gone: whoever has it goes on.
    if (!isAborted && loaded.value !== model) return leave(draft)
    if (!isAborted) askError.value = { conversation, text: adviceOn(error as Error) }
    else if (draft.lacksPrompt) await learnPrompt(draft, model)
  } finally {
    writers.delete(draft.id)
  }
  await finish(draft, { ...draft.entry(), ...end })
}

/** What a stopped answer is told in no other way: other tokens can be taken in it from then on. */
async function learnPrompt(draft: Draft, { chat }: Loaded): Promise<void> {
  try {
    draft.promptIds = await chat.encode(draft.journal.request)
  } catch {
    // The model is gone meanwhile.
  }
}

function adviceOn(error: Error): string {
  if (!(error instanceof ContextLengthError)) return error.message
  const [tokens, most] = [error.promptTokens, error.contextLength].map((count) => count.toLocaleString())
  return `The conversation has ${tokens} tokens, and with the answer this model holds ${most}. Say it in fewer words, or begin a new conversation.`
}

async function finish({ id, conversation }: Draft, entry: Entry): Promise<void> {
  // What failed before its first word is only told, not kept; what was deleted meanwhile neither.
  const isWorth = entry.end !== 'failed' || entry.text !== '' || entry.reasoning !== undefined
  let stored: Promise<unknown> | undefined
  batch(() => {
    if (isWorth && running.value.has(id)) stored = change(conversation, (before) => withEntry(before, entry))
    forget(id)
  })
  await stored
  await drop(id)
}

async function leave(draft: Draft): Promise<void> {
  note(draft.entry(), draft, 'cut')
  await keep(draft.kept())
}

/** Shows a draft at most once a frame, since a fast model writes more tokens than a screen has frames, and keeps it rarer. */
class Pace {
  #drawn = 0
  #kept = Number.NEGATIVE_INFINITY

  constructor(private readonly draft: Draft) {}

  step(): void {
    const { draft } = this
    const now = performance.now()
    if (now - this.#drawn < 16) return
    this.#drawn = now
    const entry = draft.entry()
    // It was deleted.
    if (running.value.has(draft.id)) note(entry, draft, 'here')
    if (now - this.#kept < KEEP_EVERY + entry.tokens!.length) return
    this.#kept = now
    void keep(draft.kept())
  }
}

/** Whether a question has no answer, not even one that is on its way. */
export function isUnanswered({ id, role }: Entry): boolean {
  return role === 'user' && branches(viewed.value, id).length === 0
}
