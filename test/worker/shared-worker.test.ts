/** One model in the shared worker of many tabs, whichever of them closes. */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ChatStream } from '../../src/chat/chat-model.ts'
import { MistralChat as DirectChat } from '../../src/chat/mistral-chat.ts'
import { AbortError, CheckpointError, ParameterError } from '../../src/errors.ts'
import type { ChatRequest } from '../../src/index.ts'
import type { LoadProgress } from '../../src/model/load-progress.ts'
import { MistralChat, WorkerError } from '../../src/worker/index.ts'
import { WorkerLink } from '../../src/worker/link.ts'
import { patience } from '../support/patience.ts'
import { FakeOrigin, type FakeTab } from './fake-origin.ts'
import { pocketCopy } from './pocket-copy.ts'

const messages = [{ role: 'user', content: 'What is the mistral?' }]
const GREEDY: ChatRequest = { messages, temperature: 0, max_tokens: 40, ignore_eos: true }
const ENDLESS: ChatRequest = { ...GREEDY, max_tokens: 400 }
const OPTIONS = { maxSequences: 3 }
const LONG = { timeout: patience(180_000) }

let origin: FakeOrigin
let tabs: FakeTab[] = []

function someTabs(count: number, gpu: ConstructorParameters<typeof FakeOrigin>[0] = true): FakeTab[] {
  origin = new FakeOrigin(gpu)
  tabs = Array.from({ length: count }, () => origin.tab())
  return tabs
}

async function open(count: number, given: Parameters<FakeTab['load']>[0] = {}): Promise<FakeTab[]> {
  for (const tab of someTabs(count)) await tab.load({ options: OPTIONS, ...given })
  return tabs
}

afterEach(async () => {
  vi.restoreAllMocks()
  for (const tab of tabs) if (!tab.crashed) await tab.model?.end('the test is over')
  tabs = []
  // The worker itself lives as long as the pages do.
  const left = () => [...origin.locks.keys()].filter((name) => !name.startsWith('mistral-webgpu worker '))
  await expect.poll(() => [left(), [...origin.channels].map(({ name }) => name)]).toEqual([[], []])
})

async function read(stream: ChatStream, onChunk: (count: number) => void = () => {}): Promise<string> {
  let count = 0
  for await (const _ of stream) onChunk(++count)
  return (await stream.completion).text
}

const running = async ({ model }: FakeTab) => (await model.call<{ running: number }>('status', [])).running
const tabCount = ({ model }: FakeTab) => model.facts?.shared?.tabs
/** The models that were loaded since, each with whether it was disposed of. */
function watchLoads() {
  const spy = vi.spyOn(DirectChat, 'load')
  return () => spy.mock.results.map(({ value }) => value as Promise<DirectChat>)
}

/** The same, and no load ends before `go` is called. */
function holdLoads() {
  const load = DirectChat.load.bind(DirectChat)
  const loads = watchLoads()
  let go = () => {}
  const gate = new Promise<void>((resolve) => {
    go = resolve
  })
  vi.mocked(DirectChat.load).mockImplementation(async (...given) => {
    const chat = await load(...given)
    await gate
    return chat
  })
  return { loads, go }
}

describe('tabs with a model in a shared worker', LONG, () => {
  let wanted: string
  beforeAll(async () => {
    const direct = await DirectChat.load('pocket')
    wanted = (await direct.complete(GREEDY)).text
    direct.dispose()
  }, patience(120_000))

  it('load it once when they load at the same time, hear how far it is, and are answered at once', async () => {
    const loads = watchLoads()
    const phases: string[][] = [[], [], []]
    const options = (i: number) => ({
      ...OPTIONS,
      onProgress: ({ phase }: LoadProgress) => void phases[i]!.push(phase),
    })
    await Promise.all(someTabs(3).map((tab, i) => tab.load({ options: options(i) })))
    expect(loads()).toHaveLength(1)
    for (const heard of phases) expect(heard).toEqual(expect.arrayContaining(['weights', 'ready']))
    expect(tabs.map(({ model }) => model.host)).toEqual(['shared-worker', 'shared-worker', 'shared-worker'])
    await expect.poll(() => tabs.map(tabCount)).toEqual([3, 3, 3])
    const texts = await Promise.all(tabs.map((tab) => read(tab.generate(GREEDY))))
    expect(texts).toEqual([wanted, wanted, wanted])
    const endless = tabs.map((tab) => tab.generate(ENDLESS))
    for (const stream of endless) await stream.next()
    expect(await running(tabs[0]!)).toBe(3)
  })

  it('lose nothing when the first of them crashes, whose own answer stops', async () => {
    const loads = watchLoads()
    const [first, second] = (await open(2)) as [FakeTab, FakeTab]
    const lost = first.generate(ENDLESS)
    await lost.next()
    expect(await running(second)).toBe(1)
    const link = vi.spyOn(WorkerLink.prototype, 'stream')
    const text = await read(second.generate(GREEDY), (count) => count === 5 && first.crash())
    expect(text).toBe(wanted)
    await expect.poll(() => running(second)).toBe(0)
    await expect.poll(() => tabCount(second)).toBe(1)
    // No second load, and no second question for the same answer.
    expect(loads()).toHaveLength(1)
    expect(link).toHaveBeenCalledTimes(1)
  })

  it.each(['crashes', 'aborts'])('go on with the load when the tab %s that began it', async (how) => {
    const { loads, go } = holdLoads()
    const [first, second] = someTabs(2) as [FakeTab, FakeTab]
    const controller = new AbortController()
    let heard = false
    let other: Promise<unknown> | undefined
    const onProgress = () => {
      other ??= second.load({ options: { onProgress: () => (heard = true) } })
    }
    const begun = first.load({ options: { signal: controller.signal, onProgress } }).catch((error: unknown) => error)
    await expect.poll(() => heard).toBe(true)
    if (how === 'crashes') first.crash()
    else {
      controller.abort('no')
      expect(await begun).toMatchObject({ name: 'AbortError', cause: 'no' })
    }
    go()
    await other
    expect(loads()).toHaveLength(1)
    expect(await read(second.generate(GREEDY))).toBe(wanted)
  })

  it('free the memory with the last tab, after its load too, and load anew for the next', async () => {
    const loads = watchLoads()
    const [first, second] = (await open(2)) as [FakeTab, FakeTab]
    const chat = (await loads()[0])!
    const dispose = vi.spyOn(chat, 'dispose')
    await first.close()
    expect(dispose).not.toHaveBeenCalled()
    second.crash()
    await expect.poll(() => dispose.mock.calls.length).toBe(1)
    const third = origin.tab()
    tabs.push(third)
    const controller = new AbortController()
    const options = { ...OPTIONS, signal: controller.signal, onProgress: () => controller.abort('no') }
    await expect(third.load({ options })).rejects.toThrow(AbortError)
    await expect(loads()[1]).rejects.toThrow(AbortError)
    await third.load({ options: OPTIONS })
    expect(await read(third.generate(GREEDY))).toBe(wanted)
    expect(origin.sharedWorkers).toBe(1)
    const last = vi.spyOn((await loads()[2])!, 'dispose')
    await third.close()
    // Who waits for the end finds the memory free.
    expect(last).toHaveBeenCalledTimes(1)
  })

  it('go on in another worker when theirs crashes', async () => {
    const loads = watchLoads()
    const [first, second] = (await open(2)) as [FakeTab, FakeTab]
    const other = read(second.generate(GREEDY))
    const text = await read(first.generate(GREEDY), (count) => count === 7 && origin.crashSharedWorker())
    expect([text, await other]).toEqual([wanted, wanted])
    expect([loads().length, origin.sharedWorkers]).toEqual([2, 2])
    await (await loads()[0])!.dispose()
  })

  it('hear of a worker that crashes again and again', async () => {
    const loads = watchLoads()
    const { path, remove } = pocketCopy()
    const [tab] = (await open(1, { source: path, options: { maxRecoveries: 1 } })) as [FakeTab]
    remove()
    const stream = tab.generate(ENDLESS)
    await stream.next()
    origin.crashSharedWorker()
    await expect(read(stream)).rejects.toThrow(CheckpointError)
    expect(loads()).toHaveLength(2)
    await (await loads()[0])!.dispose()
  })

  it('hear of a GPU that cannot be had again, and load anew', async () => {
    const loads = watchLoads()
    const [first, second] = (await open(2)) as [FakeTab, FakeTab]
    const failure = new WorkerError('the GPU is gone')
    const lost = (await loads()[0])!
    Object.defineProperty(lost, 'failure', { get: () => failure })
    const dispose = vi.spyOn(lost, 'dispose')
    await first.model.call('status', []).catch(() => {})
    await expect
      .poll(() => [first, second].map(({ model }) => model.failure?.message))
      .toEqual(['the GPU is gone', 'the GPU is gone'])
    const third = origin.tab()
    tabs.push(third)
    await third.load({ options: OPTIONS })
    expect(dispose).toHaveBeenCalled()
    expect(await read(third.generate(GREEDY))).toBe(wanted)
  })

  it('end what runs with a typed error when the tab disposes of its model, and abort with its signal', async () => {
    const [first, second] = (await open(2)) as [FakeTab, FakeTab]
    const controller = new AbortController()
    const aborted = first.generate(ENDLESS, controller.signal)
    const stream = first.generate(ENDLESS)
    await Promise.all([aborted.next(), stream.next()])
    controller.abort('enough')
    await expect(aborted.next()).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' })
    const rest = read(stream).catch((error: unknown) => error)
    await first.close()
    expect(await rest).toBeInstanceOf(WorkerError)
    expect(await running(second)).toBe(0)
    await expect(first.model.call('status', [])).rejects.toThrow(WorkerError)
  })

  it('throw what loading throws, in each tab', async () => {
    const loading = someTabs(2).map((tab) => tab.load({ source: '/nowhere/at/all' }))
    await Promise.all(loading.map((load) => expect(load).rejects.toThrow(CheckpointError)))
  })

  it('share with those of the same options alone, in one worker', async () => {
    const loads = watchLoads()
    const [first, second] = someTabs(2) as [FakeTab, FakeTab]
    await first.load({ options: { contextLength: 128 } })
    await second.load({ options: { contextLength: 256 } })
    expect(tabs.map(({ model }) => model.facts?.contextLength)).toEqual([128, 256])
    expect([loads().length, origin.sharedWorkers]).toEqual([2, 1])
    expect(tabs.map(tabCount)).toEqual([1, 1])
  })
})

describe('where the model is', LONG, () => {
  it.each<[string, ConstructorParameters<typeof FakeOrigin>[0]]>([
    ['has no GPU', false],
    ['is unknown to the browser', 'no worker'],
  ])('is with a leader where a shared worker %s, and by force nowhere', async (_, gpu) => {
    const [first, second, third] = someTabs(3, gpu) as [FakeTab, FakeTab, FakeTab]
    await first.load()
    await second.load()
    expect([first, second].map(({ model }) => model.host)).toEqual(['leader', 'leader'])
    expect(origin.loads).toBe(1)
    await expect(third.load({ host: 'shared-worker' })).rejects.toThrow(WorkerError)
  })

  it('is with a leader by force, which those in the shared worker do not see', async () => {
    const [first, second] = someTabs(2) as [FakeTab, FakeTab]
    await first.load({ host: 'leader' })
    await second.load()
    expect([first, second].map(({ model }) => model.host)).toEqual(['leader', 'shared-worker'])
    expect([first, second].map(tabCount)).toEqual([1, 1])
  })

  it('is with a leader where the worker is of another version', async () => {
    const [tab] = someTabs(1) as [FakeTab]
    const call = WorkerLink.prototype.call
    vi.spyOn(WorkerLink.prototype, 'call').mockImplementation(function (this: WorkerLink, method, args, options) {
      return call.call(this, method, method === 'join' ? ['0.0.1', ...args.slice(1)] : args, options) as Promise<never>
    })
    await tab.load()
    expect(tab.model.host).toBe('leader')
  })

  it.each<[string, object]>([
    ['host', { host: 'worker', shared: true }],
    ['host', { host: 'leader' }],
    ['worker', { host: 'shared-worker', shared: true, worker: () => ({ postMessage() {} }) }],
    ['worker', { host: 'leader', shared: true, worker: () => ({ port: {}, addEventListener() {} }) }],
  ])('refuses %s that cannot be', async (parameter, options) => {
    vi.stubGlobal('navigator', { locks: fakeLocks() })
    const loading = MistralChat.load('pocket', options as never)
    await expect(loading).rejects.toThrow(ParameterError)
    await expect(loading).rejects.toMatchObject({ parameter })
    vi.unstubAllGlobals()
    origin = new FakeOrigin()
  })

  it('refuses an opener in a shared worker', async () => {
    origin = new FakeOrigin()
    const opener = { open: async () => new Uint8Array() }
    const loading = MistralChat.load(opener as never, { shared: 'mine', host: 'shared-worker' })
    await expect(loading).rejects.toMatchObject({ name: 'ParameterError', parameter: 'host' })
  })
})

/** Locks that nobody else wants. */
function fakeLocks() {
  return { request: (_: string, __: object, use: () => Promise<void>) => use() }
}
