/** The chat model of a worker beside the one in process. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { MessageChannel, Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { AnswerJournal } from '../../src/chat/journal.ts'
import { MistralChat as DirectChat } from '../../src/chat/mistral-chat.ts'
import { AbortError, CheckpointError, ContextLengthError, ParameterError, SavedCacheError } from '../../src/errors.ts'
import type { FileOpener } from '../../src/formats/file-opener.ts'
import type { LoadProgress } from '../../src/model/load-progress.ts'
import { portOf } from '../../src/platform/worker-types.ts'
import { MistralChat, WorkerError, type WorkerLoadOptions } from '../../src/worker/index.ts'
import { type FromHost, WINDOW } from '../../src/worker/protocol.ts'
import { WorkerSession } from '../../src/worker/session.ts'

const GREEDY = { do_sample: false, max_tokens: 12 } as const
const ASKED = { messages: [{ role: 'user', content: 'What is the mistral?' }], ...GREEDY } as const

/** A worker's session at the other end of a channel, in this process. */
function localWorker() {
  const { port1, port2 } = new MessageChannel()
  new WorkerSession(portOf(port2))
  return port1
}

const load = (options: WorkerLoadOptions = {}, source: string = 'pocket') =>
  MistralChat.load(source, { worker: localWorker(), ...options })

describe('a model in a worker', () => {
  let direct: DirectChat
  let chat: MistralChat
  const progress: LoadProgress[] = []

  beforeAll(async () => {
    direct = await DirectChat.load('pocket')
    chat = await load({ maxSequences: 2, onProgress: (event) => progress.push(event) })
  })
  afterAll(async () => {
    direct.dispose()
    await chat.dispose()
  })

  it('has the same facts', async () => {
    for (const name of ['contextLength', 'vocabSize', 'takesTools', 'templateOrigin', 'adapters', 'failure'] as const) {
      expect(chat[name], name).toEqual(direct[name])
    }
    const { messages } = ASKED
    expect(await chat.encode({ messages })).toEqual(direct.encode({ messages }))
    expect(await chat.decode([104, 105])).toBe(direct.decode([104, 105]))
    expect((await chat.status()).maxSequences).toBe(2)
  })

  it('tells the progress of loading from the first phase to the last', () => {
    expect([...new Set(progress.map(({ phase }) => phase))]).toEqual(['open', 'weights', 'compile', 'ready'])
  })

  it('streams the same chunks, with the same completion', async () => {
    const request = { ...ASKED, logprobs: true, top_logprobs: 2 }
    const [here, there] = [direct.generate(request), chat.generate(request)]
    const chunks = [await collect(here), await collect(there)]
    expect(chunks[1]).toEqual(chunks[0])
    const [{ timings: _, ...wanted }, { timings, ...given }] = [await here.completion, await there.completion]
    expect(given).toEqual({ ...wanted, usage: given.usage })
    expect(timings.decodeMs).toBeGreaterThan(0)
  })

  it('sends more chunks than one window', async () => {
    const request = { ...ASKED, max_tokens: 3 * WINDOW, ignore_eos: true }
    expect((await chat.complete(request)).token_ids).toHaveLength(3 * WINDOW)
  })

  it('gives embeddings as typed arrays', async () => {
    const { embedding } = await chat.embed('wind', { pooling: 'mean' })
    expect(embedding).toEqual((await direct.embed('wind', { pooling: 'mean' })).embedding)
  })

  it('saves and restores caches, from streams too, with typed errors', async () => {
    const asked = { messages: [{ role: 'user', content: 'How long does the bora blow, and where does it come from?' }] }
    const saved = await chat.saveCache(asked)
    expect((await chat.restoreCache(saved.stream())).tokenIds).toEqual(await chat.encode(asked))
    expect((await chat.complete({ ...asked, ...GREEDY })).usage.cached_tokens).toBeGreaterThan(10)
    const cut = chat.restoreCache(saved.slice(0, 100))
    await expect(cut).rejects.toMatchObject({ name: 'SavedCacheError', fault: 'damaged' })
    await expect(cut).rejects.toBeInstanceOf(SavedCacheError)
  })

  it('goes on with the answer of a journal', async () => {
    const journal = new AnswerJournal(ASKED)
    let left = 3
    for await (const _ of chat.resume(journal)) if (--left === 0) break
    const again = AnswerJournal.fromJSON(JSON.parse(JSON.stringify(journal)))
    await chat.resume(again).completion
    expect(again.texts).toEqual([(await direct.complete(ASKED)).text])
  })

  it('frees the sequence when the loop is left', async () => {
    for await (const _ of chat.generate({ ...ASKED, max_tokens: 200, ignore_eos: true })) break
    expect((await chat.status()).running).toBe(0)
  })

  it('aborts with the reason of the signal', async () => {
    const controller = new AbortController()
    const reason = { mine: Symbol('why') }
    const stream = chat.generate({ ...ASKED, max_tokens: 200, ignore_eos: true }, { signal: controller.signal })
    await stream.next()
    controller.abort(reason)
    await expect(collect(stream)).rejects.toThrow(AbortError)
    await expect(stream.completion).rejects.toMatchObject({ cause: reason })
    expect((await chat.status()).running).toBe(0)
    await expect(collect(chat.generate(ASKED, { signal: controller.signal }))).rejects.toMatchObject({ cause: reason })
  })

  it('throws errors of the same class with the same fields', async () => {
    const unknown = collect(chat.generate({ ...ASKED, temperature: -1 }))
    await expect(unknown).rejects.toThrow(ParameterError)
    await expect(unknown).rejects.toMatchObject({ parameter: 'temperature', value: -1 })
    const long = chat.encode({ prompt: 'wind '.repeat(20_000) })
    await expect(long).rejects.toThrow(ContextLengthError)
    await expect(long).rejects.toMatchObject({ contextLength: direct.contextLength })
  })

  it.each([
    ['constraint', { constraint: () => ({}) as never }],
    ['speed', { speed: 2 }],
  ])('refuses the option %s', async (parameter, options) => {
    await expect(collect(chat.generate(ASKED, options as never))).rejects.toMatchObject({ parameter })
  })

  it('refuses what cannot be cloned, and goes on', async () => {
    const request = { ...ASKED, chat_template_kwargs: { call: () => 1 } }
    await expect(collect(chat.generate(request))).rejects.toThrow('cannot be sent to a worker')
    expect((await chat.complete(ASKED)).text).not.toBe('')
  })
})

describe('loading and ending', () => {
  const open: MistralChat[] = []
  afterEach(async () => {
    for (const chat of open.splice(0)) await chat.dispose()
  })

  it('throws what loading throws', async () => {
    await expect(load({}, '/nowhere/at/all')).rejects.toThrow(CheckpointError)
    await expect(load({ maxSequences: 0 })).rejects.toMatchObject({ parameter: 'maxSequences' })
    await expect(load({ onProgress: 1 as never })).rejects.toMatchObject({ parameter: 'onProgress' })
    await expect(load({ nothing: 1 } as never)).rejects.toMatchObject({ parameter: 'nothing' })
  })

  it('reads through an opener that stays here', async () => {
    const folder = new URL('../../models/pocket/', import.meta.url)
    const opened: string[] = []
    const opener: FileOpener = {
      async open(name) {
        if (!existsSync(new URL(name, folder))) return undefined
        opened.push(name)
        const bytes = readFileSync(new URL(name, folder))
        if (!name.endsWith('.safetensors')) return bytes.toString()
        return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
      },
      list: () => readdirSync(folder),
    }
    const chat = await MistralChat.load(opener, { worker: localWorker() })
    open.push(chat)
    expect((await chat.complete(ASKED)).token_ids).toHaveLength(GREEDY.max_tokens)
    expect(opened).toContain('model.safetensors')
    const broken: FileOpener = { open: () => Promise.reject(new RangeError('the shelf is empty')) }
    await expect(MistralChat.load(broken, { worker: localWorker() })).rejects.toThrow('the shelf is empty')
  })

  it('can be aborted while it loads', async () => {
    const controller = new AbortController()
    const loading = load({ signal: controller.signal, onProgress: () => controller.abort('enough') })
    await expect(loading).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' })
  })

  it('ends what runs when it is disposed of', async () => {
    const chat = await load()
    const stream = chat.generate({ ...ASKED, max_tokens: 500, ignore_eos: true })
    await stream.next()
    const rest = collect(stream).catch((error: unknown) => error)
    await chat.dispose()
    expect(await rest).toBeInstanceOf(Error)
    await expect(chat.complete(ASKED)).rejects.toThrow(WorkerError)
    expect(chat.failure).toBeInstanceOf(WorkerError)
    await chat.dispose()
  })

  it('says why when the worker cannot start', async () => {
    const worker = new Worker('throw new Error("no such luck")', { eval: true })
    await expect(MistralChat.load('pocket', { worker })).rejects.toThrow(/no such luck/)
  })

  it('runs in a thread of its own', async () => {
    const host = new URL('../../src/worker/host.ts', import.meta.url).href
    const script = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(host)})))`
    const worker = new Worker(script, { eval: true, execArgv: ['--conditions=mistral-webgpu-source'] })
    const chat = await MistralChat.load('pocket', { worker })
    open.push(chat)
    expect((await chat.complete(ASKED)).token_ids).toHaveLength(GREEDY.max_tokens)
  })
})

describe('a slow reader', () => {
  it('is not sent more chunks than it asked for', async () => {
    const sent: FromHost[] = []
    const { port1, port2 } = new MessageChannel()
    new WorkerSession(portOf(port2))
    const ended = new Promise<void>((resolve) => {
      port1.on('message', (message: FromHost) => {
        sent.push(message)
        const { id, op } = message
        if (id === 1 && op === 'value') {
          port1.postMessage({ id: 2, op: 'stream', request: { ...ASKED, ignore_eos: true } })
          port1.postMessage({ id: 2, op: 'want', count: 3 })
        }
        const chunks = sent.filter((one) => one.op === 'chunk').length
        if (op === 'chunk' && chunks === 3) port1.postMessage({ id: 3, op: 'call', method: 'status', args: [] })
        if (id === 3) port1.postMessage({ id: 2, op: 'leave' })
        if (id === 2 && op === 'value') port1.postMessage({ id: 4, op: 'call', method: 'dispose', args: [] })
        if (id === 4) resolve()
      })
    })
    port1.postMessage({ id: 1, op: 'call', method: 'load', args: ['pocket', {}] })
    await ended
    port1.close()
    expect(sent.filter((one) => one.op === 'chunk')).toHaveLength(3)
    expect(sent.filter((one) => one.op === 'error')).toEqual([])
  })
})

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of stream) all.push(one)
  return all
}
