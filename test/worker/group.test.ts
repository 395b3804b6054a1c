/** Which tabs share a model, and what each of them keeps of its answers. */
import { describe, expect, it } from 'vitest'
import type { ChatCompletion } from '../../src/index.ts'
import { groupOf } from '../../src/worker/group.ts'
import { MistralChat } from '../../src/worker/index.ts'
import { KeptAnswer } from '../../src/worker/kept-answer.ts'

const CHUNK = { index: 0, text: 'a', reasoning_content: null, logprobs: null, tool_calls: null, finish_reason: null }

describe('what a tab keeps of an answer', () => {
  it('names calls of tools and has log-probabilities as the tab was told them', () => {
    const kept = new KeptAnswer()
    const call = (id: string) => ({
      index: 0,
      id,
      type: 'function' as const,
      function: { name: 'wind', arguments: '' },
    })
    const logprob = { token: 'a', token_id: 7, logprob: -1, bytes: [97], top_logprobs: [] }
    kept.add({ ...CHUNK, token_ids: [7], logprobs: [logprob] })
    kept.add({ ...CHUNK, text: '', token_ids: [8, 9], logprobs: [], tool_calls: [call('first')] })
    expect(kept.begun.choices).toEqual([{ tokenIds: [7, 8, 9], finishReason: null }])
    const choice = { logprobs: [], tool_calls: [call('second')], token_ids: [7, 8, 9] }
    const whole = kept.whole({ ...choice, choices: [choice] } as unknown as ChatCompletion)
    expect(whole).toMatchObject({ logprobs: [logprob], tool_calls: [{ id: 'first' }] })
    expect(whole.choices[0]).toMatchObject({ logprobs: [logprob], tool_calls: [{ id: 'first' }] })
  })

  it('begins answers that nothing has come of', () => {
    const kept = new KeptAnswer()
    kept.add({ ...CHUNK, index: 2, token_ids: [5] })
    expect(structuredClone(kept.begun).choices).toEqual([undefined, undefined, { tokenIds: [5], finishReason: null }])
    expect(kept.begun.seed).toBe(kept.begun.seed)
  })
})

describe('the group of a model', () => {
  const file = (text: string) => new File([text], 'model.gguf', { lastModified: 1 })

  it('is told apart by name, source and options', async () => {
    const names = await Promise.all([
      groupOf(true, 'owner/name', {}),
      groupOf(true, 'owner/name', { weights: 'q4' }),
      groupOf(true, 'owner/name', { hub: { token: 'hf_a' } }),
      groupOf(true, 'owner/name', { hub: { token: 'hf_b' } }),
      groupOf('mine', 'owner/name', {}),
      groupOf(true, 'https://example.org/a.gguf', {}),
      groupOf('mine', file('a'), {}),
      groupOf('mine', file('ab'), {}),
    ])
    expect(new Set(names).size).toBe(names.length)
    expect(names.join()).not.toContain('hf_')
  })

  it('is the same for what means the same', async () => {
    const options = { weights: 'q4', hub: { offline: true, endpoint: 'https://hub' } }
    const other = { hub: { endpoint: 'https://hub', offline: true }, weights: 'q4', cache: undefined }
    expect(await groupOf(true, 'owner/name', options)).toBe(await groupOf(true, 'owner/name', other))
    const url = 'https://example.org/a.gguf'
    expect(await groupOf(true, url, {})).toBe(await groupOf(true, new URL(url), {}))
    expect(await groupOf('mine', file('a'), {})).toBe(await groupOf('mine', file('b'), {}))
  })

  it.each<[string, () => Promise<unknown>]>([
    ['shared', () => MistralChat.load('pocket', { shared: 1 as never })],
    ['shared', () => MistralChat.load('pocket', { shared: '' })],
    ['shared', () => groupOf(true, file('a'), {})],
    ['worker', () => MistralChat.load('pocket', { shared: true, worker: { postMessage() {} } })],
    ['onTabs', () => MistralChat.load('pocket', { shared: true, onTabs: 1 as never })],
    ['onProfile', () => groupOf(true, 'pocket', { onProfile: () => {} })],
  ])('refuses %s that cannot be', async (parameter, load) => {
    await expect(load()).rejects.toMatchObject({ name: 'ParameterError', parameter })
  })

  it.skipIf(globalThis.navigator?.locks !== undefined)('needs Web Locks', async () => {
    await expect(MistralChat.load('pocket', { shared: true })).rejects.toMatchObject({ parameter: 'shared' })
  })
})
