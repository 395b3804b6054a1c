/** The device is lost at any moment, and answers go on with the same text. */
import { afterEach, describe, expect, it } from 'vitest'
import { MistralChat } from '../../src/chat/mistral-chat.ts'
import { DeviceLostError } from '../../src/errors.ts'
import type { GenerationStep } from '../../src/generate/types.ts'
import { patience } from '../support/patience.ts'

const PROMPT = [1, 5, 9, 14, 20, 31, 7, 8, 12, 40, 41, 42]
const LONG = { timeout: patience(120_000) }
const GREEDY = { do_sample: false, max_tokens: 40, ignore_eos: true }
const SEEDED = { seed: 7, temperature: 1.2, repetition_penalty: 1.2, max_tokens: 40, ignore_eos: true }

const open: MistralChat[] = []
afterEach(() => {
  for (const chat of open.splice(0)) chat.dispose()
})

async function load(options: object = {}): Promise<MistralChat> {
  const chat = await MistralChat.load('pocket', { maxSequences: 3, ...options })
  open.push(chat)
  return chat
}

const lose = (chat: MistralChat) => chat.model.loaded.gpu.device.destroy()

async function idsOf(steps: AsyncIterable<GenerationStep>, at?: Record<number, () => void>): Promise<number[]> {
  const ids: number[] = []
  for await (const { tokenId } of steps) {
    ids.push(tokenId)
    at?.[ids.length]?.()
  }
  return ids
}

async function textOf(stream: AsyncIterable<{ text: string }>): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk.text
  return text
}

describe('a lost device', () => {
  it.each([
    ['greedy', GREEDY],
    ['seeded', SEEDED],
    ['with prompt lookup', { ...GREEDY, prompt_lookup_num_tokens: 4 }],
    ['without a cache', { ...GREEDY, use_cache: false, max_tokens: 12 }],
  ])('does not change the text: %s', LONG, async (_, params) => {
    const chat = await load()
    const undisturbed = await idsOf(chat.model.generate(PROMPT, params))
    const disturbed = await idsOf(chat.model.generate(PROMPT, params), { 3: () => lose(chat), 9: () => lose(chat) })
    expect(disturbed).toEqual(undisturbed)
    expect(chat.failure).toBeUndefined()
  })

  it('goes unnoticed by several answers at once, and by a constraint', LONG, async () => {
    const chat = await load()
    const requests = [
      { prompt: 'The mistral is', ...GREEDY },
      { prompt: 'The sirocco', ...SEEDED, logprobs: true },
      {
        messages: [{ role: 'user', content: 'Name a wind.' }],
        seed: 3,
        regex: '[a-z]{10,20}!',
        max_tokens: 60,
      } as const,
    ]
    const all = () => Promise.all(requests.map((request) => chat.complete(request)))
    const undisturbed = await all()
    const disturbed = all()
    for (const wait of [30, 120, 200]) {
      await new Promise((resolve) => setTimeout(resolve, wait))
      lose(chat)
    }
    for (const [i, { text, logprobs }] of (await disturbed).entries()) {
      expect(text).toBe(undisturbed[i]?.text)
      expect(logprobs?.length).toBe(undisturbed[i]?.logprobs?.length)
    }
  })

  it('is replaced when nothing runs, and leaves no byte more on the GPU', LONG, async () => {
    const chat = await load()
    const text = (await chat.complete({ prompt: 'The bora', ...GREEDY })).text
    const { gpuBytes } = chat.status()
    for (let i = 0; i < 3; i++) {
      lose(chat)
      await chat.model.loaded.gpu.device.lost
      expect((await chat.complete({ prompt: 'The bora', ...GREEDY })).text).toBe(text)
      expect(chat.status().gpuBytes).toBe(gpuBytes)
    }
  })

  it('can be stopped while it is replaced', LONG, async () => {
    const chat = await load()
    const controller = new AbortController()
    const stream = chat.generate({ prompt: 'The', ...GREEDY, max_tokens: 400 }, { signal: controller.signal })
    await stream.next()
    lose(chat)
    await chat.model.loaded.gpu.device.lost
    controller.abort()
    await expect(textOf(stream)).rejects.toMatchObject({ name: 'AbortError' })
    expect((await chat.complete({ prompt: 'The', ...GREEDY })).text).not.toBe('')
  })

  it('ends the model after too many losses without a token, and at once where that is asked for', LONG, async () => {
    const chat = await load({ maxRecoveries: 0 })
    const stream = chat.model.generate(PROMPT, GREEDY)
    await stream.next()
    lose(chat)
    await expect(idsOf(stream)).rejects.toThrow(DeviceLostError)
    expect(chat.failure).toBeInstanceOf(DeviceLostError)

    const often = await load({ maxRecoveries: 2 })
    const { recover } = (often.model.scheduler as never as { options: { recover: (error: Error) => Promise<void> } })
      .options
    const loss = new DeviceLostError('unknown', 'again and again')
    await recover(loss)
    await recover(loss)
    await expect(recover(loss)).rejects.toBe(loss)
  })

  it('stays disposed of when that happens meanwhile', LONG, async () => {
    const chat = await load()
    const stream = chat.model.generate(PROMPT, { ...GREEDY, max_tokens: 400 })
    await stream.next()
    lose(chat)
    await chat.model.loaded.gpu.device.lost
    const rest = idsOf(stream).catch((error: unknown) => error)
    await new Promise((resolve) => setTimeout(resolve, 5))
    chat.dispose()
    expect(await rest).toBeInstanceOf(Error)
    expect(chat.failure?.message).toContain('disposed')
  })
})
