/** A stand-in for a chat model that numbers its answers. */
import { Conversation } from '../../src/cli/conversation.ts'
import type { MistralError } from '../../src/errors.ts'
import type { SamplingInput } from '../../src/sampling/request-params.ts'
import { type Stage, stage } from './stage.ts'

export type Chat = ConstructorParameters<typeof Conversation>[1]
export interface Request extends SamplingInput {
  readonly messages: ReadonlyArray<{ role: string; content: string }>
}

const SUMMARY = {
  finish_reason: 'stop',
  usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7, cached_tokens: 0 },
  timings: { prefillTokensPerSecond: 50, decodeTokensPerSecond: 20, ttftMs: 10 },
}

/** A model that numbers its answers; those in `failures` fail instead. */
export function counting(failures: Readonly<Record<number, MistralError>> = {}) {
  const requests: Request[] = []
  async function* pieces(request: Request) {
    requests.push(request)
    const error = failures[requests.length]
    if (error !== undefined) throw error
    yield { text: `answer ${requests.length}` }
  }
  const generate = (request: Request) => Object.assign(pieces(request), { completion: Promise.resolve(SUMMARY) })
  return { requests, chat: { generate } as unknown as Chat }
}

const MODEL = { name: 'tiny', contextLength: 64 }

export async function converse(on: Stage, chat: Chat, params: SamplingInput = {}, system?: string): Promise<void> {
  await new Conversation(on.cli, chat, params, system, MODEL).run()
}

/** What a pipe of these lines asks, and what is said beside the answers. */
export async function piped(lines: readonly string[], params?: SamplingInput, failures?: Record<number, MistralError>) {
  const on = stage({ input: lines.map((line) => `${line}\n`).join('') })
  const { chat, requests } = counting(failures)
  await converse(on, chat, params, 'be brief')
  const asked = requests.map(({ messages }) => messages.map(({ content }) => content))
  return { asked, requests, out: on.out(), err: on.err(), exitCode: on.exitCode() }
}
