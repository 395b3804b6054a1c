/** What is typed in `chat` instead of a question. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NoTokenLeftError } from '../../src/errors.ts'
import { converse, counting, piped } from './counting-chat.ts'
import { stage } from './stage.ts'

describe('/regenerate', () => {
  it('answers the last question again, in place of its answer', async () => {
    const { asked, out } = await piped(['one', 'two', '/regenerate', 'three'])
    expect(asked).toEqual([
      ['be brief', 'one'],
      ['be brief', 'one', 'answer 1', 'two'],
      ['be brief', 'one', 'answer 1', 'two'],
      ['be brief', 'one', 'answer 1', 'two', 'answer 3', 'three'],
    ])
    expect(out).toBe('answer 1\nanswer 2\nanswer 3\nanswer 4\n')
  })

  it('keeps the answer when there is no new one, and asks an unanswered question again', async () => {
    const failures = { 2: new NoTokenLeftError('none'), 3: new NoTokenLeftError('none') }
    const { asked, err, exitCode } = await piped(['one', '/regenerate', 'two', '/retry'], {}, failures)
    expect(asked[2]).toEqual(['be brief', 'one', 'answer 1', 'two'])
    expect(asked[3]).toEqual(['be brief', 'one', 'answer 1', 'two'])
    expect(err.match(/error: none/g)).toHaveLength(2)
    expect(exitCode).toBe(1)
  })

  it('says when there is nothing to answer, and when nothing can change', async () => {
    expect((await piped(['/regenerate'])).err).toContain('there is no question yet')
    expect((await piped(['one', '/reset', '/regenerate'])).err).toContain('there is no question yet')
    expect((await piped(['one', '/regenerate'], { seed: 3 })).err).toContain(
      'a seed is set, so the answer will be the same',
    )
    expect((await piped(['one', '/regenerate'], { do_sample: false })).err).toContain('sampling is off')
    expect((await piped(['one', '/regenerate'])).err).not.toContain('will be the same')
  })
})

describe('/system', () => {
  it('shows, changes and takes away what the model knows beforehand, and keeps the conversation', async () => {
    const lines = ['one', '/system', '/system Answer in  French.', 'two', '/system none', 'three', '/system']
    const { asked, err } = await piped(lines)
    expect(asked).toEqual([
      ['be brief', 'one'],
      ['Answer in  French.', 'one', 'answer 1', 'two'],
      ['one', 'answer 1', 'two', 'answer 2', 'three'],
    ])
    expect(err).toBe(
      'be brief\nthe system prompt counts from now on\nthe system prompt is gone\nthere is no system prompt\n',
    )
  })

  it('is kept by /reset', async () => {
    expect((await piped(['/system Hi.', 'one', '/clear', 'two'])).asked[1]).toEqual(['Hi.', 'two'])
  })
})

describe('/set', () => {
  it('sets a parameter of the requests to come, under any of its names', async () => {
    const { requests, err } = await piped(['/set temp 0.5', '/set --max-tokens 7', '/set parameter top_k 3', 'one'], {
      seed: 1,
    })
    expect(requests[0]).toMatchObject({ temperature: 0.5, max_tokens: 7, top_k: 3, seed: 1 })
    expect(err).toBe('temperature is 0.5\nmax_tokens is 7\ntop_k is 3\n')
  })

  it('shows what is set, and takes it back', async () => {
    const { requests, err } = await piped(['/set', '/set seed none', '/set seed', '/set', 'one'], {
      seed: 1,
      top_p: 0.5,
    })
    expect(requests[0]).not.toHaveProperty('seed')
    expect(err.split('\n')).toEqual([
      'seed is 1',
      'top_p is 0.5',
      'seed is not set: its default counts',
      'seed is not set: its default counts',
      'top_p is 0.5',
      '',
    ])
    expect((await piped(['/set'])).err).toMatch(/^nothing is set; \/set NAME VALUE/)
  })

  it('refuses what a request could not have, and leaves everything as it was', async () => {
    const lines = ['/set temperature 101', '/set top_k x', '/set tempreature 1', '/set quux 1', '/set n 2', 'one']
    const { requests, err } = await piped(lines, { top_k: 4 })
    expect(err.split('\n')).toEqual([
      '"temperature" (101): must be a number from 0 to 100',
      expect.stringMatching(/^"top_k" \("x"\): must be an integer/),
      'tempreature is no parameter; did you mean temperature?',
      'quux is no parameter',
      'n: a conversation goes on from one answer',
      '',
    ])
    expect(requests[0]).toEqual({ top_k: 4, messages: expect.anything() })
  })

  it('sets the system prompt, too, as others do', async () => {
    expect((await piped(['/set system Hi.', 'one'])).asked).toEqual([['Hi.', 'one']])
  })
})

describe('/stats', () => {
  it('tells the lengths and speeds of the last answer, and how full the context is', async () => {
    const { err } = await piped(['/stats', 'one', '/stats'])
    expect(err).toBe(
      'there is no whole answer yet\nprompt 5 tokens, 50.0/s; answer 2 tokens, 20.0/s; first token after 10 ms; ' +
        'ended by stop; context 7 of 64 tokens\n',
    )
  })
})

describe('/save', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'save-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('writes the body of a request, or a text', async () => {
    const [json, text] = [join(folder, 'talk.json'), join(folder, 'talk.md')]
    const params = { top_k: 3, seed: 9007199254740993n }
    const { err } = await piped(['one', `/save ${json}`, `/save ${text}`], params)
    expect(err).toBe(`saved in ${json}\nsaved in ${text}\n`)
    expect(readFileSync(text, 'utf8')).toBe('## system\n\nbe brief\n\n## user\n\none\n\n## assistant\n\nanswer 1\n')
    const saved = readFileSync(json, 'utf8')
    expect(saved).toContain('"seed": 9007199254740993\n')
    expect(JSON.parse(saved)).toMatchObject({
      model: 'tiny',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'answer 1' },
      ],
      top_k: 3,
    })
  })

  it('writes its own file again, and nobody else’s', async () => {
    const [own, other] = [join(folder, 'own.md'), join(folder, 'other.md')]
    writeFileSync(other, 'precious')
    const { err } = await piped([
      'one',
      `/save ${own}`,
      'two',
      `/save ${own}`,
      `/save ${other}`,
      '/save',
      '/save /no/x',
    ])
    expect(readFileSync(own, 'utf8')).toContain('answer 2')
    expect(readFileSync(other, 'utf8')).toBe('precious')
    expect(err).toContain(`${other} is there already; choose another name`)
    expect(err).toMatch(/name a file, as in[\s\S]*not saved: ENOENT/)
  })

  it('knows the home folder', async () => {
    const on = stage({ input: 'one\n/save ~/home.md\n', env: { HOME: folder } })
    await converse(on, counting().chat)
    expect(on.err()).toBe(`saved in ${folder}/home.md\n`)
  })
})

describe('words with a slash', () => {
  it('are commands when they are known or look like it, and questions when not', async () => {
    const lines = ['/stat', '/regenrate now', '/quux', '/usr/bin is what?', '/etc is what?', '/EXIT', 'never']
    const { asked, err } = await piped(lines)
    expect(asked.map((contents) => contents.at(-1))).toEqual(['/usr/bin is what?', '/etc is what?'])
    expect(err).toBe(
      '/stat is no command; did you mean /stats?\n/regenrate is no command; did you mean /regenerate?\n' +
        '/quux is no command; /help lists them\n',
    )
  })

  it.each(['/exit', '/quit', '/bye'])('%s leaves', async (word) => {
    expect((await piped([word, 'never'])).asked).toEqual([])
  })
})
