/** The table of docs/http.md that says which fields are taken, and which are refused by name. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { appOf, post, question } from './fake-chat.ts'

const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8')
const section = page.slice(page.indexOf('## Fields that clients send'))
const rows = [...section.matchAll(/^\| `(\w+)` \|(.*?)\|(.*?)\|.*\|$/gm)].map(([, name, taken, refused]) => {
  const values = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, json]) => JSON.parse(json!) as unknown)
  return { name: name!, taken: values(taken!), refused: values(refused!) }
})
const CHAT = '/v1/chat/completions'

async function answerTo(fields: object) {
  const response = await post(appOf().app, CHAT, { ...question, ...fields })
  return { status: response.status, body: await response.json() }
}

test('the table was read', () => {
  expect(rows.length).toBeGreaterThan(20)
  expect(rows.every(({ taken, refused }) => taken.length + refused.length > 0)).toBe(true)
})

describe.each(rows)('$name', ({ name, taken, refused }) => {
  test.each([null, ...taken])('%j is taken', async (value) => {
    expect(await answerTo({ [name]: value })).toMatchObject({ status: 200 })
  })

  test.each(refused)('%j is refused by name', async (value) => {
    const { status, body } = await answerTo({ [name]: value })
    expect([status, body.error.param?.split(/[.[]/)[0]]).toEqual([400, name])
  })
})

test('names of messages, the role developer, and parts of text', async () => {
  const { app, chat } = appOf()
  const messages = [
    { role: 'developer', content: 'Be brief.' },
    { role: 'user', name: 'Ada', content: [{ type: 'text', text: 'Hello?' }] },
  ]
  expect((await post(app, CHAT, { model: 'm', messages })).status).toBe(200)
  expect(chat.requests[0]!.messages).toEqual(messages)
})
