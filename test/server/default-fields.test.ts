/** The tables of docs/http.md that say which fields are taken, and which are refused by name: one for each face. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { appOf, post, question } from './fake-chat.ts'

const CHAT = '/v1/chat/completions'
const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8')
const [, fields] = page.split('## Fields that clients send')
const [ofChat, ...ofOthers] = fields!.split(/\n## /)[0]!.split(/^### /m)

function rowsOf(section: string) {
  return [...section.matchAll(/^\| `(\w+)` \|(.*?)\|(.*?)\|.*\|$/gm)].map(([, name, taken, refused]) => {
    const values = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, json]) => JSON.parse(json!) as unknown)
    return { name: name!, taken: values(taken!), refused: values(refused!) }
  })
}

const messages = [{ role: 'user', content: 'Hi' }]
/** The least that each face needs. */
const BODIES: Readonly<Record<string, object>> = {
  [CHAT]: question,
  '/v1/responses': { model: 'm', input: 'Hi' },
  '/v1/messages': { model: 'm', max_tokens: 5, messages },
  '/v1/embeddings': { model: 'm', input: 'Hi' },
  '/api/chat': { model: 'm', stream: false, messages },
}
const FACES = [
  { face: CHAT, rows: rowsOf(ofChat!) },
  ...ofOthers.map((section) => ({ face: /^`(.+)`/.exec(section)![1]!, rows: rowsOf(section) })),
]

async function answerTo(face: string, field: object) {
  // How many alternatives there are means something only where they are asked for.
  const asked = 'top_logprobs' in field && face === '/api/chat' ? { logprobs: true } : {}
  const { app, chat } = appOf()
  chat.embed = async () => ({ embedding: new Float32Array(3), tokens: 1 })
  const response = await post(app, face, { ...BODIES[face], ...asked, ...field })
  return { status: response.status, text: await response.text() }
}

test('the tables were read', () => {
  expect(FACES.map(({ face }) => face)).toEqual(Object.keys(BODIES))
  for (const { rows } of FACES) {
    expect(rows.length).toBeGreaterThan(7)
    expect(rows.every(({ taken, refused }) => taken.length + refused.length > 0)).toBe(true)
  }
})

describe.each(FACES)('$face', ({ face, rows }) => {
  test.each(rows)('$name', async ({ name, taken, refused }) => {
    const needed = (face === '/v1/messages' && name === 'max_tokens') || name === 'input'
    for (const value of needed ? taken : [null, ...taken]) {
      const { status, text } = await answerTo(face, { [name]: value })
      expect([value, status, status === 200 ? '' : text]).toEqual([value, 200, ''])
    }
    for (const value of refused) {
      const { status, text } = await answerTo(face, { [name]: value })
      const { error } = JSON.parse(text)
      expect([value, name === 'previous_response_id' && value !== 5 ? 404 : 400]).toEqual([value, status])
      // OpenAI's faces have a field for the name; the others say it in their sentence.
      if (error.param !== undefined) expect(error.param?.split(/[.[]/)[0]).toBe(name)
      else expect(text).toMatch(new RegExp(`\\b${name}\\b`))
    }
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
