import { describe, expect, test } from 'vitest'
import {
  ChatTemplateError,
  ContextLengthError,
  ConversationError,
  DeviceError,
  DeviceLostError,
  MemoryError,
  QueueFullError,
} from '../../src/errors.ts'
import { appOf, events, post, question } from './fake-chat.ts'

const CHAT = '/v1/chat/completions'

describe('failures', () => {
  test.each<[Error, number, object, string | null]>([
    [new ContextLengthError(200, 128), 400, { code: 'context_length_exceeded', param: 'messages' }, null],
    [new ConversationError('roles must alternate'), 400, { param: null, message: 'roles must alternate' }, null],
    [new ChatTemplateError('line 7 fails'), 500, { type: 'server_error', code: 'chat_template_error' }, null],
    [new QueueFullError(64, 64), 429, { type: 'rate_limit_error', code: 'queue_full' }, '1'],
    [new DeviceLostError('unknown', 'driver reset'), 503, { type: 'server_error', code: 'device_lost' }, '5'],
    [new MemoryError('the cache', 10, 5), 503, { code: 'out_of_memory' }, '1'],
    [new DeviceError('refused:\nfn main() {}'), 500, { code: 'device_error', message: 'refused:' }, null],
    [new TypeError('secret of the code'), 500, { message: 'the server failed to answer; its log says more' }, null],
  ])('%s becomes a status, streamed or not', async (fail, status, error, retryAfter) => {
    for (const stream of [false, true]) {
      const { app } = appOf([{ fail }])
      const response = await post(app, CHAT, { ...question, stream })
      expect(response.status).toBe(status)
      expect(response.headers.get('retry-after')).toBe(retryAfter)
      const body = await response.json()
      expect(Object.keys(body.error).sort()).toEqual(['code', 'message', 'param', 'type'])
      expect(body.error).toMatchObject(error)
    }
  })

  test('in the middle of a stream becomes an event with the error', async () => {
    const { app } = appOf([{ text: 'Hi' }, { fail: new DeviceError('validation failed') }])
    const chunks = await events(await post(app, CHAT, { ...question, stream: true }))
    expect(chunks.at(-2)).toEqual({
      error: { message: 'validation failed', type: 'server_error', param: null, code: 'device_error' },
    })
    expect(chunks.at(-1)).toBe('[DONE]')
    expect(chunks).toHaveLength(4)
  })

  test('a lost device fails all later requests and the health check', async () => {
    const { app } = appOf([{ text: 'Hi' }, { fail: new DeviceLostError('destroyed', 'gone') }])
    await events(await post(app, CHAT, { ...question, stream: true }))
    expect((await app.request('/health')).status).toBe(503)
    expect(await (await app.request('/health')).json()).toEqual({ status: 'failed' })
    expect((await post(app, CHAT, question)).status).toBe(503)
  })
})
