/** Responses that `/v1/responses` keeps, for requests that go on from them. */
import { describe, expect, test } from 'vitest'
import { ContextLengthError } from '../../src/errors.ts'
import type { AppOptions } from '../../src/server/index.ts'
import { ResponseStore } from '../../src/server/responses/store.ts'
import { appOf, type Json, type Step, thoughtful } from './fake-chat.ts'
import { eventsOf, openaiOf } from './official-clients.ts'

function scripted(script: Parameters<typeof appOf>[0], options: AppOptions = {}) {
  const { app, chat } = appOf(script, options)
  return { app, chat, client: openaiOf(app) }
}

describe('stored responses', () => {
  const stopped: Step[] = [{ text: 'Hi', finish_reason: 'stop' }]

  test('are shown, listed, gone on from and deleted', async () => {
    const { client, chat } = scripted(thoughtful)
    const first = await client.responses.create({ model: 'm', input: 'Hi', instructions: 'Be brief.' })
    expect(await client.responses.retrieve(first.id)).toMatchObject({ id: first.id, output: first.output })
    const outputs = ['abcdefghi', 'jklmnopqr'].map((call_id) => ({
      type: 'function_call_output' as const,
      call_id,
      output: 'x',
    }))
    const second = await client.responses.create({ model: 'm', input: outputs, previous_response_id: first.id })
    expect((chat.requests[1] as Json).messages.map(({ role }: Json) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
    ])
    expect((chat.requests[1] as Json).messages[1]).toMatchObject({
      reasoning_content: 'It is morning.',
      tool_calls: [{}, {}],
    })
    const pages: unknown[] = []
    for await (const item of client.responses.inputItems.list(second.id, { order: 'asc', limit: 1 })) pages.push(item)
    expect(pages).toMatchObject(outputs)
    await client.responses.delete(first.id)
    const gone = await client.responses.retrieve(first.id).catch((error) => error)
    expect([gone.status, gone.code]).toEqual([404, 'response_not_found'])
    // What goes on from it has all it needs.
    await client.responses.create({ model: 'm', input: 'Go on', previous_response_id: second.id })
    expect((chat.requests[2] as Json).messages).toHaveLength(6)
  })

  test('items may be sent by their ids', async () => {
    const { client, chat } = scripted(stopped)
    const { output } = await client.responses.create({ model: 'm', input: 'Hi' })
    const reference = { type: 'item_reference' as const, id: output[0]!.id! }
    await client.responses.create({ model: 'm', input: [reference, { role: 'user', content: 'Go on' }] })
    expect((chat.requests[1] as Json).messages[0]).toEqual({
      role: 'assistant',
      content: [{ type: 'text', text: 'Hi' }],
    })
  })

  test('the oldest go first, and none is kept that the client does not want kept', async () => {
    const { client } = scripted(stopped, { maxStoredResponses: 2 })
    const ids: string[] = []
    for (const input of ['a', 'b', 'c']) ids.push((await client.responses.create({ model: 'm', input })).id)
    ids.push((await client.responses.create({ model: 'm', input: 'd', store: false })).id)
    const found = await Promise.all(
      ids.map((id) =>
        client.responses.retrieve(id).then(
          () => true,
          () => false,
        ),
      ),
    )
    expect(found).toEqual([false, true, true, false])
    const unknown = await client.responses
      .create({ model: 'm', input: 'e', previous_response_id: ids[0]! })
      .catch((e) => e)
    expect([unknown.status, unknown.param]).toEqual([404, 'previous_response_id'])
  })

  test('the oldest go where all are too long together, and one that is too long alone is not kept', () => {
    const store = new ResponseStore(100)
    const add = (id: string, length: number) =>
      store.add({ body: { id, output: [] }, input: [], items: [{ type: 'message', content: 'x'.repeat(length) }] })
    const kept = (id: string) => {
      try {
        return store.get(id, 'id').body.id === id
      } catch {
        return false
      }
    }
    const most = 64 * 1024 * 1024
    for (const [id, length] of [
      ['a', most / 4],
      ['b', most / 2],
      ['c', most / 2],
      ['d', most + 1],
    ] as const) {
      add(id, length)
    }
    expect(['a', 'b', 'c', 'd'].map(kept)).toEqual([false, false, true, false])
    store.remove('c')
    add('e', most - 200)
    expect(kept('e')).toBe(true)
  })

  test('one that was cut off inside a thought is gone on from', async () => {
    const { client, chat } = scripted([{ reasoning_content: 'Let me' }, { finish_reason: 'length' }])
    const cut = await client.responses.create({ model: 'm', input: 'Hi', max_output_tokens: 2 })
    expect([cut.status, cut.output.map(({ type }) => type)]).toEqual(['incomplete', ['reasoning']])
    await client.responses.create({ model: 'm', input: 'Go on.', previous_response_id: cut.id })
    expect((chat.requests[1] as Json).messages).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: null, reasoning_content: 'Let me' },
      { role: 'user', content: 'Go on.' },
    ])
  })

  test('a server can keep none', async () => {
    const { client } = scripted(stopped, { maxStoredResponses: 0 })
    expect(((await client.responses.create({ model: 'm', input: 'a' })) as Json).store).toBe(false)
  })

  test('an answer that failed or was left is not kept', async () => {
    const { client } = scripted([{ text: 'Hi' }, { fail: new ContextLengthError(9, 8) }])
    const { response } = (await eventsOf(client, {}))[0] as Json
    expect((await client.responses.retrieve(response.id).catch((error) => error)).status).toBe(404)
  })

  test('other methods are told what there is', async () => {
    const { app } = scripted(stopped)
    const response = await app.request('http://localhost/v1/responses/resp_1', { method: 'PUT' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE'])
  })
})
