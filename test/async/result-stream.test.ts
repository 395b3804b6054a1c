/** Streams with a result: in whatever order pieces and result are asked for. */
import { describe, expect, it } from 'vitest'
import { ResultStream } from '../../src/async/result-stream.ts'
import { AbortError } from '../../src/errors.ts'

/** Three pieces, then `done`; `log` gets what happens inside. */
function made({ failsAt = -1, log = [] as string[] } = {}): ResultStream<number, string> {
  async function* source(): AsyncGenerator<number, string, undefined> {
    log.push('begun')
    try {
      for (let i = 0; i < 3; i++) {
        await Promise.resolve()
        if (i === failsAt) throw new Error('broken')
        yield i
      }
      return 'done'
    } finally {
      log.push('ended')
    }
  }
  return new ResultStream(source())
}

async function all(stream: ResultStream<number, string>): Promise<number[]> {
  const pieces: number[] = []
  for await (const piece of stream) pieces.push(piece)
  return pieces
}

describe('a stream with a result', () => {
  it('gives pieces, then the result', async () => {
    const stream = made()
    expect(await all(stream)).toEqual([0, 1, 2])
    expect(await stream.result).toBe('done')
  })

  it('gives the result alone', async () => {
    expect(await made().result).toBe('done')
  })

  it('loses no piece when the result is asked for first', async () => {
    const stream = made()
    const whole = stream.result
    expect(await all(stream)).toEqual([0, 1, 2])
    expect(await whole).toBe('done')
    const after = made()
    await after.result
    expect(await all(after)).toEqual([0, 1, 2])
  })

  it('gives the result when it is asked for in the middle of the loop', async () => {
    const stream = made()
    let whole: Promise<string> | undefined
    for await (const piece of stream) if (piece === 1) whole = stream.result
    expect(await whole).toBe('done')
  })

  it('begins when it is asked, not before', async () => {
    const log: string[] = []
    const stream = made({ log })
    await Promise.resolve()
    expect(log).toEqual([])
    await stream.next()
    expect(log).toEqual(['begun'])
  })

  it('ends its source when the loop is left, and the result says so', async () => {
    const log: string[] = []
    const stream = made({ log })
    for await (const _ of stream) break
    expect(log).toEqual(['begun', 'ended'])
    await expect(stream.result).rejects.toBeInstanceOf(AbortError)
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  it('fails in the loop and in the result', async () => {
    const stream = made({ failsAt: 1 })
    await expect(all(stream)).rejects.toThrow('broken')
    await expect(stream.result).rejects.toThrow('broken')
    const alone = made({ failsAt: 1 })
    await expect(alone.result).rejects.toThrow('broken')
    await expect(all(alone)).rejects.toThrow('broken')
  })

  it('fails quietly where nobody asks for the result', async () => {
    const stream = made({ failsAt: 0 })
    await expect(stream.next()).rejects.toThrow('broken')
    await new Promise((resolve) => setTimeout(resolve))
  })
})
