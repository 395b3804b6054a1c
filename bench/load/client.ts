import { BAD_BODIES, type LoadRequest } from './requests.ts'

/** A request and what the server answers when it has nothing else to do. */
export interface Reference {
  readonly request: LoadRequest
  readonly text: string
}

export interface Answer {
  readonly text: string
  readonly tokens: number
}

export interface Status {
  readonly running: number
  readonly waiting: number
  readonly gpuBytes: number
}

/** The queue is full: the answer that a server should give, and no failure. */
export class Busy extends Error {
  constructor(readonly retryAfterMs: number) {
    super('the queue is full')
  }
}

/** Speaks to one server as `curl` would, with nothing that retries or repairs. */
export class Client {
  constructor(private readonly url: string) {}

  async status(): Promise<Status> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const number = (name: string) => {
      const found = new RegExp(`^mistral_webgpu_${name} (\\S+)$`, 'm').exec(text)?.[1]
      if (found === undefined) throw new Error(`/metrics has no ${name}`)
      return Number(found)
    }
    return {
      running: number('requests_running'),
      waiting: number('queue_length'),
      gpuBytes: number('gpu_memory_bytes'),
    }
  }

  async whole(request: LoadRequest): Promise<Answer> {
    const response = await this.post(request)
    const { choices, usage } = (await response.json()) as {
      choices: { message: { content: string } }[]
      usage: { completion_tokens: number }
    }
    return { text: choices[0]!.message.content, tokens: usage.completion_tokens }
  }

  /** @param pause waited for between reads: a slow reader */
  async stream(request: LoadRequest, pause?: () => Promise<unknown>): Promise<Answer> {
    const response = await this.post({ ...request, stream: true, stream_options: { include_usage: true } })
    let raw = ''
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      raw += piece
      await pause?.()
    }
    return readEvents(raw)
  }

  /** Goes away after some pieces of the answer. */
  async leave(request: LoadRequest, random: () => number): Promise<void> {
    const stop = new AbortController()
    // Some go before there is an answer at all.
    const early = random() < 0.3 ? setTimeout(() => stop.abort(), 200 * random()) : undefined
    try {
      const response = await this.post({ ...request, stream: true }, stop.signal)
      let pieces = Math.floor(10 * random())
      for await (const _ of response.body!) if (pieces-- <= 0) break
      stop.abort()
    } catch (error) {
      if (!stop.signal.aborted) throw error
    } finally {
      clearTimeout(early)
    }
  }

  /** A body that no server should take. Gives the status. */
  async bad(random: () => number): Promise<number> {
    const body = BAD_BODIES[Math.floor(random() * BAD_BODIES.length)]!
    const response = await fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const { error } = (await response.json()) as { error?: { message?: unknown } }
    if (typeof error?.message !== 'string') throw new Error(`a bad body got no error, but ${response.status}: ${body}`)
    return response.status
  }

  private async post(body: object, signal?: AbortSignal): Promise<Response> {
    const response = await fetch(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'any', ...body }),
      ...(signal && { signal }),
    })
    if (response.status === 429) {
      await response.body?.cancel()
      throw new Busy(1000 * Number(response.headers.get('retry-after') ?? 1))
    }
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
    return response
  }
}

/** The text of a complete stream. Throws when it broke off, or told of an error. */
export function readEvents(raw: string): Answer {
  let text = ''
  let tokens = 0
  let finished = false
  for (const line of raw.split('\n')) {
    if (!line.startsWith('data: ') || line === 'data: [DONE]') continue
    const chunk = JSON.parse(line.slice(6))
    if (chunk.error) throw new Error(`the stream says: ${JSON.stringify(chunk.error)}`)
    text += chunk.choices[0]?.delta?.content ?? ''
    finished ||= chunk.choices[0]?.finish_reason != null
    tokens = chunk.usage?.completion_tokens ?? tokens
  }
  if (!finished || !raw.trimEnd().endsWith('data: [DONE]')) throw new Error('the stream broke off')
  return { text, tokens }
}
