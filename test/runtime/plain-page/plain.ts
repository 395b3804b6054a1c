/** A page with nothing but OpenAI's own client, which asks its own origin. */
import OpenAI from 'openai'

type Body = OpenAI.ChatCompletionCreateParams

let stopping = new AbortController()
const texts: string[] = []
const clients = (maxRetries: number) =>
  new OpenAI({ baseURL: `${location.origin}/v1`, apiKey: 'none', dangerouslyAllowBrowser: true, maxRetries })

const plain = {
  async whole(body: Body): Promise<string | null> {
    const answer = await clients(0).chat.completions.create({ ...body, stream: false }, { signal: renewed() })
    return answer.choices[0]!.message.content
  },
  /** Pieces of the answer, as they came. */
  async streamed(body: Body): Promise<string[]> {
    texts.splice(0)
    const stream = await clients(0).chat.completions.create({ ...body, stream: true }, { signal: renewed() })
    for await (const { choices } of stream) texts.push(choices[0]?.delta.content ?? '')
    return texts
  },
  /** Pieces that have come. */
  count: () => texts.length,
  abort: () => stopping.abort(),
  models: async () => (await clients(0).models.list()).data.map(({ id }) => id),
  /** What an error tells the program. */
  async error(work: Promise<unknown>): Promise<object | undefined> {
    try {
      await work
      return undefined
    } catch (error) {
      const { status, code, param, type, message } = error as InstanceType<typeof OpenAI.APIError>
      // Classes lose their names where they are made small.
      const kind = Object.entries(OpenAI).find(([, value]) => value === (error as Error).constructor)?.[0]
      return { kind, status, code, param, type, message }
    }
  },
}

function renewed(): AbortSignal {
  stopping = new AbortController()
  return stopping.signal
}

declare global {
  interface Window {
    plain: typeof plain
  }
}

window.plain = plain
