/** One model for many tabs, whichever of them closes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ChatStream } from '../../src/chat/chat-model.ts'
import { MistralChat as DirectChat } from '../../src/chat/mistral-chat.ts'
import { AbortError, CheckpointError, ParameterError } from '../../src/errors.ts'
import type { ChatChunk, ChatCompletion, ChatRequest } from '../../src/index.ts'
import type { LoadProgress } from '../../src/model/load-progress.ts'
import { WorkerError } from '../../src/worker/index.ts'
import { patience } from '../support/patience.ts'
import { POCKET_SHAPE, randomAdapter } from '../support/random-adapter.ts'
import { FakeOrigin, type FakeTab } from './fake-origin.ts'
import { pocketCopy } from './pocket-copy.ts'

const messages = [{ role: 'user', content: 'What is the mistral?' }]
const GREEDY: ChatRequest = { messages, temperature: 0, max_tokens: 40, ignore_eos: true }
const ENDLESS: ChatRequest = { ...GREEDY, max_tokens: 400 }
const LONG = { timeout: patience(180_000) }

let origin: FakeOrigin
let tabs: FakeTab[] = []

/** Tabs that have loaded the model one after the other: the first leads. */
async function open(count: number, given?: Parameters<FakeTab['load']>[0]): Promise<FakeTab[]> {
  origin = new FakeOrigin()
  tabs = Array.from({ length: count }, () => origin.tab())
  for (const tab of tabs) await tab.load(given)
  return tabs
}

afterEach(async () => {
  for (const tab of tabs) await tab.model?.end('the test is over')
  tabs = []
  // Workers hear of their end by a message.
  await expect.poll(() => [[...origin.locks.keys()], [...origin.channels].map(({ name }) => name)]).toEqual([[], []])
})

async function read(stream: ChatStream, onChunk: (count: number) => void = () => {}) {
  const chunks: ChatChunk[] = []
  for await (const chunk of stream) {
    chunks.push(chunk)
    onChunk(chunks.length)
  }
  return { chunks, completion: await stream.completion }
}

/** Without what differs from run to run. */
function comparable({ chunks, completion }: { chunks: ChatChunk[]; completion: ChatCompletion }) {
  const { timings: _, usage, ...rest } = completion
  const { cached_tokens: __, ...counts } = usage
  const round = (key: string, value: unknown) =>
    key === 'logprob' ? Math.round((value as number) * 100) / 100 : key === 'id' ? 'drawn' : value
  const all = { chunks: chunks.toSorted((a, b) => a.index - b.index), rest, counts }
  return JSON.parse(JSON.stringify(all), round)
}

const running = async ({ model }: FakeTab) => (await model.call<{ running: number }>('status', [])).running

describe('tabs with one model', LONG, () => {
  let direct: DirectChat
  beforeAll(async () => {
    direct = await DirectChat.load('pocket')
    return () => direct.dispose()
  }, patience(120_000))

  it('load it once, and get the answers of a model of their own', async () => {
    const counts: number[] = []
    const [first, second, third] = (await open(3, { onTabs: (count) => counts.push(count) })) as [
      FakeTab,
      FakeTab,
      FakeTab,
    ]
    expect(origin.loads).toBe(1)
    await expect.poll(() => tabs.map(({ model }) => model.facts?.shared?.tabs)).toEqual([3, 3, 3])
    expect(Math.max(...counts)).toBe(3)
    const wanted = comparable(await read(direct.generate(GREEDY)))
    const all = await Promise.all([first, second, third].map((tab) => read(tab.generate(GREEDY))))
    for (const one of all) expect(comparable(one)).toEqual(wanted)
    await third.close()
    await expect.poll(() => [first, second].map(({ model }) => model.facts?.shared?.tabs)).toEqual([2, 2])
  })

  it('that load at once load once, and all hear how far it is', async () => {
    origin = new FakeOrigin()
    tabs = [origin.tab(), origin.tab()]
    const phases: string[][] = [[], []]
    const options = (i: number) => ({ onProgress: ({ phase }: LoadProgress) => void phases[i]!.push(phase) })
    await Promise.all(tabs.map((tab, i) => tab.load({ options: options(i) })))
    expect(origin.loads).toBe(1)
    for (const heard of phases) expect(heard).toEqual(expect.arrayContaining(['weights', 'ready']))
  })

  it.each<[string, Partial<ChatRequest>]>([
    ['greedy', {}],
    ['drawn with a seed', { temperature: 1.5, top_p: 1, seed: 3 }],
    ['twice, with log-probabilities', { temperature: 1.5, top_p: 1, seed: 3, n: 2, logprobs: true, top_logprobs: 2 }],
    ['bound by a pattern', { temperature: 1, seed: 4, ignore_eos: false, regex: '[a-z]{3,6}( [a-z]{2,7}){6,9}\\.' }],
  ])('go on with an answer when the leader is gone: %s', async (_, given) => {
    const request = { ...GREEDY, ...given }
    const wanted = await read(direct.generate(request))
    const [leader, follower, third] = (await open(3)) as [FakeTab, FakeTab, FakeTab]
    let other: ReturnType<typeof read> | undefined
    const found = await read(follower.generate(request), (count) => {
      other ??= read(third.generate(request))
      if (count === Math.ceil(wanted.chunks.length / 3)) leader.crash()
    })
    expect(comparable(found)).toEqual(comparable(wanted))
    expect(comparable(await other!)).toEqual(comparable(wanted))
    expect(origin.loads).toBe(2)
    expect([follower.leads, third.leads]).toEqual([true, false])
  })

  it('go on when two leaders go, one after the other, and when one disposes of the model', async () => {
    const wanted = comparable(await read(direct.generate(GREEDY)))
    const [first, second, third] = (await open(3)) as [FakeTab, FakeTab, FakeTab]
    const found = await read(third.generate(GREEDY), (count) => {
      if (count === 5) void first.close()
      if (count === 15) second.crash()
    })
    expect(comparable(found)).toEqual(wanted)
    expect([origin.loads, third.leads]).toEqual([3, true])
  })

  it('go on when the worker ends and its page does not', async () => {
    const wanted = comparable(await read(direct.generate(GREEDY)))
    const [leader, follower] = (await open(2)) as [FakeTab, FakeTab]
    const other = read(follower.generate(GREEDY))
    const found = await read(leader.generate(GREEDY), (count) => count === 7 && leader.loseWorker())
    expect(comparable(found)).toEqual(wanted)
    expect(comparable(await other)).toEqual(wanted)
    expect(origin.loads).toBe(2)
  })

  it('end an answer whose model is lost again and again', async () => {
    const [tab] = (await open(1, { options: { maxRecoveries: 1 } })) as [FakeTab]
    const stream = tab.generate(ENDLESS)
    await stream.next()
    // No token comes between the losses: each worker ends as soon as it begins with the answer.
    const timer = setInterval(() => tab.loseWorker(), 5)
    const end = await read(stream).catch((error: unknown) => error)
    clearInterval(timer)
    expect(end).toBeInstanceOf(WorkerError)
  })

  it('stop what was running for a tab that is gone, that aborts, or that leaves the loop', async () => {
    const [leader, follower] = (await open(2)) as [FakeTab, FakeTab]
    const controller = new AbortController()
    const stream = follower.generate(ENDLESS, controller.signal)
    await stream.next()
    expect(await running(leader)).toBe(1)
    controller.abort('enough')
    await expect(stream.next()).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' })
    await expect.poll(() => running(leader)).toBe(0)
    for await (const _ of follower.generate(ENDLESS)) break
    expect(await running(leader)).toBe(0)
    const lost = follower.generate(ENDLESS)
    await lost.next()
    expect(await running(leader)).toBe(1)
    follower.crash()
    await expect.poll(() => running(leader)).toBe(0)
    await expect.poll(() => leader.model.facts?.shared?.tabs).toBe(1)
  })

  it('can abort while nobody leads', async () => {
    const [leader, follower] = (await open(2)) as [FakeTab, FakeTab]
    const controller = new AbortController()
    const stream = follower.generate(ENDLESS, controller.signal)
    await stream.next()
    leader.crash()
    await expect.poll(() => origin.loads).toBe(2)
    controller.abort()
    await expect(read(stream)).rejects.toThrow(AbortError)
  })

  it('hear errors of the same class with the same fields', async () => {
    const [, follower] = (await open(2)) as [FakeTab, FakeTab]
    const refused = read(follower.generate({ ...GREEDY, temperature: -1 }))
    await expect(refused).rejects.toThrow(ParameterError)
    await expect(refused).rejects.toMatchObject({ parameter: 'temperature', value: -1 })
    const uncloneable = read(follower.generate({ ...GREEDY, chat_template_kwargs: { call: () => 1 } }))
    await expect(uncloneable).rejects.toThrow('cannot be sent to a worker')
  })

  it('keep the adapters of a tab as long as it lives, whoever leads', async () => {
    const [leader, follower, third] = (await open(3)) as [FakeTab, FakeTab, FakeTab]
    const folder = mkdtempSync(join(tmpdir(), 'mistral-webgpu-gusts-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    for (const [name, bytes] of Object.entries(randomAdapter(POCKET_SHAPE))) writeFileSync(join(folder, name), bytes)
    await follower.model.call('loadAdapter', [folder, { name: 'gusts' }])
    await expect.poll(() => third.model.facts?.adapters.map(({ name }) => name)).toEqual(['gusts'])
    const request = { ...GREEDY, adapter: 'gusts' }
    const before = comparable(await read(follower.generate(request)))
    expect(before.rest.text).not.toBe((await direct.complete(GREEDY)).text)
    leader.crash()
    expect(comparable(await read(follower.generate(request)))).toEqual(before)
    await follower.close()
    await expect.poll(() => third.model.facts?.shared?.tabs).toBe(1)
    await expect.poll(() => third.model.facts?.adapters).toEqual([])
  })
})

describe('loading and leaving', LONG, () => {
  it('throws what loading throws, in each tab, and leaves nothing', async () => {
    origin = new FakeOrigin()
    tabs = [origin.tab(), origin.tab()]
    const loads = tabs.map((tab) => tab.load({ source: '/nowhere/at/all' }))
    await Promise.all(loads.map((load) => expect(load).rejects.toThrow(CheckpointError)))
  })

  it('can be aborted, which leaves the others their turn', async () => {
    origin = new FakeOrigin()
    tabs = [origin.tab(), origin.tab()]
    const controller = new AbortController()
    let second: Promise<FakeTab> | undefined
    // Of two tabs that load at once either may be the first that leads.
    const onProgress = () => {
      second ??= tabs[1]!.load()
      controller.abort('no')
    }
    const first = tabs[0]!.load({ options: { signal: controller.signal, onProgress } })
    await expect(first).rejects.toMatchObject({ name: 'AbortError', cause: 'no' })
    await second
    expect(origin.loads).toBe(2)
  })

  it('ends what runs with a typed error when the tab disposes of its model', async () => {
    const [, follower] = (await open(2)) as [FakeTab, FakeTab]
    const stream = follower.generate(ENDLESS)
    await stream.next()
    const rest = read(stream).catch((error: unknown) => error)
    await follower.close()
    expect(await rest).toBeInstanceOf(WorkerError)
    await expect(follower.model.call('status', [])).rejects.toThrow(WorkerError)
    await follower.close()
  })

  it('does not share between tabs with other options', async () => {
    origin = new FakeOrigin()
    tabs = [origin.tab(), origin.tab()]
    await tabs[0]!.load({ options: { contextLength: 128 } })
    await tabs[1]!.load({ options: { contextLength: 256 } })
    expect(origin.loads).toBe(2)
    expect(tabs.map(({ model }) => model.facts?.contextLength)).toEqual([128, 256])
  })

  it('tells a tab that cannot load the model again, after as many tries as it may make', async () => {
    origin = new FakeOrigin()
    tabs = [origin.tab(), origin.tab()]
    const [leader, follower] = tabs as [FakeTab, FakeTab]
    const { path, remove } = pocketCopy()
    const given = { source: path, options: { maxRecoveries: 1 } }
    await leader.load(given)
    await follower.load(given)
    remove()
    const stream = follower.generate(ENDLESS)
    await stream.next()
    leader.crash()
    await expect(read(stream)).rejects.toThrow(CheckpointError)
    expect(follower.model.failure).toBeInstanceOf(CheckpointError)
    expect(origin.loads).toBe(3)
  })
})
