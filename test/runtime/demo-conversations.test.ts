/** Conversations of the demo page as data: their branches, and what is read of files that anybody may have written. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  branches,
  type Conversation,
  choose,
  type Entry,
  newConversation,
  pathTo,
  shown,
  withEntry,
} from '../../examples/browser/state/conversation.ts'
import { conversationOf } from '../../examples/browser/state/imported.ts'
import { root } from '../support/child.ts'

const question: Entry = { id: 'q', parent: undefined, role: 'user', text: 'Which wind?' }
const answer: Entry = {
  id: 'a',
  parent: 'q',
  role: 'assistant',
  text: 'The mistral.',
  tokens: [{ id: 7, text: 'The', logprob: -0.1, top: [{ id: 7, text: 'The', logprob: -0.1 }] }],
  promptIds: [1, 2],
  numbers: {
    ...{ promptTokens: 2, cachedTokens: 0, answerTokens: 1, prefillMs: 3, prefillPerSecond: 4, decodePerSecond: 5 },
    arrivals: [6],
  },
  model: 'pocket',
  end: 'stop',
}
const other: Entry = { id: 'b', parent: 'q', role: 'assistant', text: 'The bora.' }
const both = [question, answer, other].reduce(withEntry, newConversation())
const ids = (conversation: Conversation) => shown(conversation).map(({ id }) => id)
const fileOf = (entries: unknown, rest: object = {}) => JSON.stringify({ title: 'Winds', chosen: {}, entries, ...rest })

describe('a conversation', () => {
  it('shows the branch that is chosen, and the latest where none is, or one that is gone', () => {
    expect(ids(both)).toEqual(['q', 'b'])
    expect(ids(choose(both, answer))).toEqual(['q', 'a'])
    expect(ids(choose(both, { parent: 'q', id: 'gone' }))).toEqual(['q', 'b'])
    expect(ids(choose(both, { parent: undefined, id: 'a' }))).toEqual(['q', 'b'])
    expect(branches(both, 'q')).toEqual([answer, other])
    expect(pathTo(both, 'a')).toEqual([question, answer])
    expect(both.title).toBe('Which wind?')
  })
})

describe('a file', () => {
  it('that was exported is read as it was', () => {
    const { id, changed, ...read } = conversationOf(JSON.stringify(choose(both, answer)))
    const { id: own, changed: _, ...written } = choose(both, answer)
    expect(read).toEqual(written)
    expect(id).not.toBe(own)
    expect(changed).toBeGreaterThan(0)
  })

  it('of an older version, or with damaged numbers, loses these alone', () => {
    const damaged = { ...answer, tokens: [{ id: 7 }], promptIds: ['x'], numbers: { arrivals: 'soon' }, end: 'never' }
    const { entries, chosen, title } = conversationOf(fileOf({ q: question, a: damaged }, { chosen: null, title: 5 }))
    expect(entries.a).toEqual({ id: 'a', parent: 'q', role: 'assistant', text: 'The mistral.', model: 'pocket' })
    expect([chosen, title]).toEqual([{}, 'Imported'])
  })

  it.each([
    ['', 'no JSON'],
    ['{"title":"Winds","entries":{"q":', 'no JSON'],
    ['null', 'no conversation'],
    ['[]', 'no conversation'],
    ['{"messages":[]}', 'no conversation'],
    [fileOf({}), 'no conversation'],
    [fileOf([question]), 'no conversation'],
    [fileOf({ q: null }), 'entry 1'],
    [fileOf({ q: question, a: { ...answer, text: undefined } }), 'entry 2'],
    [fileOf({ q: { ...question, role: 'system' } }), 'entry 1'],
    [fileOf({ q: question, a: { ...answer, parent: 'x' } }), 'follows none'],
    [fileOf({ q: question, a: { ...answer, id: 'q' } }), 'same id'],
    [fileOf({ q: { ...question, parent: 'a' }, a: answer }), 'circle'],
    [fileOf({ q: { ...question, parent: 'q' } }), 'circle'],
  ])('is refused with a reason: %s', (text, reason) => {
    expect(() => conversationOf(text)).toThrow(reason)
  })
})

describe('the manifest', () => {
  const folder = join(root, 'examples/browser/public')
  const { icons } = JSON.parse(readFileSync(join(folder, 'manifest.webmanifest'), 'utf8')) as {
    icons: { src: string; sizes: string; type: string; purpose?: string }[]
  }

  it('has the icons that installing takes, of the size that it says', () => {
    const drawn = icons.filter(({ type }) => type === 'image/png')
    expect(drawn.map(({ sizes, purpose = 'any' }) => `${sizes} ${purpose}`)).toEqual([
      '192x192 any',
      '512x512 any',
      '512x512 maskable',
    ])
    const wanted = [...drawn, { src: './apple-touch-icon.png', sizes: '180x180' }]
    for (const { src, sizes } of wanted) {
      const png = readFileSync(join(folder, src))
      expect([png.toString('latin1', 1, 4), `${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`]).toEqual(['PNG', sizes])
    }
    expect(readFileSync(join(folder, '../index.html'), 'utf8')).toContain('href="./apple-touch-icon.png"')
  })
})
