import * as v from 'valibot'
import type { ChatChunk } from '../chat/answer.ts'
import type { ChatRequest } from '../chat/request.ts'
import { ParameterError } from '../errors.ts'
import { type JsonObject, readJsonObject } from './body.ts'
import { jsonResponse } from './errors.ts'
import { randomHex } from './ids.ts'
import { type AnswerHead, completionLogprobs, wireUsage } from './openai-wire.ts'
import { outcome, type Pieces, runAll } from './run.ts'
import {
  checkModel,
  checkStreamOptions,
  flag,
  lenientFields,
  modelRequest,
  openAiFields,
  parseFields,
} from './schema.ts'
import type { ServedChat, ServedCompletion } from './served-chat.ts'
import type { AppContext, Service } from './service.ts'
import { eventStream } from './sse.ts'
import { follow } from './stream.ts'

type Prompt = string | readonly number[]

/** Prompts of one request: each is a sequence of its own. */
const MAX_PROMPTS = 16
const MAX_LOGPROBS = 20

const logprobsMessage = `must be the number of top tokens, from 0 to ${MAX_LOGPROBS}`
const fields = {
  ...openAiFields,
  prompt: v.unknown(),
  echo: flag,
  // A number here, where chat completions have a boolean and a number.
  logprobs: v.nullish(
    v.union(
      [v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_LOGPROBS)), v.literal(false)],
      logprobsMessage,
    ),
  ),
}
const schema = v.looseObject(fields)
const lenientSchema = v.looseObject({ ...fields, ...lenientFields })
const FIELDS = Object.keys(fields)

interface CompletionWire {
  prompts: readonly Prompt[]
  requests: readonly ChatRequest[]
  choicesEach: number
  echo: boolean
  stream: boolean
  includeUsage: boolean
}

/** `POST /v1/completions`: texts or token ids are continued as they stand, without a template. */
export async function completions(c: AppContext, service: Service): Promise<Response> {
  const { config } = service
  const chat = service.model.use()
  const wire = parseCompletion(await readJsonObject(c.req.raw, config), config)
  const trace = c.get('trace')
  trace.stream = wire.stream
  trace.asked(wire.prompts)
  const { abort, unlink } = follow(c.req.raw.signal)
  const head = {
    id: `cmpl-${randomHex(12)}`,
    created: Math.floor(Date.now() / 1000),
    model: config.modelId,
    // What each choice's text begins with.
    starts: wire.prompts.flatMap((prompt) =>
      Array.from({ length: wire.choicesEach }, () => (wire.echo ? promptText(prompt, chat) : '')),
    ),
    includeUsage: wire.includeUsage,
  }
  const pieces = runAll(service.model, wire.requests, wire.choicesEach, { signal: abort.signal, trace })
  if (!wire.stream) {
    const results = await outcome(pieces).finally(unlink)
    return jsonResponse(completionBody(head, results, wire.choicesEach))
  }
  return eventStream(completionEvents(pieces, head), { abort, unlink, trace, limits: config })
}

/** @throws ParameterError, HttpError */
function parseCompletion(body: JsonObject, config: Service['config']): CompletionWire {
  const { lenient } = config
  const wire = parseFields(lenient ? lenientSchema : schema, body)
  if (wire.model) checkModel(wire.model, config)
  checkStreamOptions(body, wire.stream, lenient)
  const prompts = parsePrompts(body.prompt)
  const { logprobs, ...rest } = body
  const wanted = typeof logprobs === 'number'
  if (wanted && wire.echo) {
    throw new ParameterError('logprobs', logprobs, 'cannot be had with echo: the prompt has no logprobs here')
  }
  const asked = wanted ? { ...rest, logprobs: true, top_logprobs: logprobs } : rest
  const names = FIELDS.filter((name) => name !== 'logprobs')
  const shared = modelRequest(asked, { fields: names, passed: [], lenient })
  return {
    prompts,
    requests: prompts.map((prompt) => ({ ...shared, prompt }) as ChatRequest),
    choicesEach: (shared.n as number | undefined) ?? 1,
    echo: wire.echo,
    stream: wire.stream,
    includeUsage: wire.stream_options?.include_usage ?? false,
  }
}

/** OpenAI's four forms: a text, a list of texts, a list of token ids, a list of such lists. */
function parsePrompts(value: unknown): Prompt[] {
  const isIds = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length > 0 && list.every((id) => Number.isSafeInteger(id) && id >= 0)
  if (typeof value === 'string' && value !== '') return [value]
  if (isIds(value)) return [value]
  const list = Array.isArray(value) ? value : []
  if (list.length > MAX_PROMPTS) throw new ParameterError('prompt', '…', `must hold at most ${MAX_PROMPTS} prompts`)
  if (list.length > 0 && list.every((item) => (typeof item === 'string' && item !== '') || isIds(item))) return list
  if (value === undefined) throw new ParameterError('prompt', value, 'is required')
  throw new ParameterError('prompt', value, 'must be a text, a list of texts, token ids, or a list of lists of them')
}

function promptText(prompt: Prompt, chat: ServedChat): string {
  return typeof prompt === 'string' ? prompt : chat.tokenizer.decode(prompt)
}

interface CompletionHead extends AnswerHead {
  starts: readonly string[]
  includeUsage: boolean
}

function completionBody(
  { id, created, model, starts }: CompletionHead,
  results: readonly ServedCompletion[],
  choicesEach: number,
): object {
  return {
    id,
    object: 'text_completion',
    created,
    model,
    choices: results.flatMap(({ choices }, i) =>
      choices.map((choice) => {
        const index = i * choicesEach + choice.index
        return {
          index,
          text: starts[index]! + choice.text,
          logprobs: completionLogprobs(choice.logprobs, 0),
          finish_reason: choice.finish_reason,
        }
      }),
    ),
    usage: wireUsage(results.map(({ usage }) => usage)),
  }
}

async function* completionEvents(
  pieces: Pieces<ServedCompletion[]>,
  { id, created, model, starts, includeUsage }: CompletionHead,
): AsyncGenerator<object, void, undefined> {
  const chunk = (choices: readonly object[], usage: object | null = null) => ({
    id,
    object: 'text_completion',
    created,
    model,
    choices,
    ...(includeUsage && { usage }),
  })
  // Characters of each choice so far: offsets of logprobs count from its beginning.
  const lengths = starts.map(() => 0)
  const choice = ({ index, text, logprobs, finish_reason }: ChatChunk) => {
    const entry = { index, text, logprobs: completionLogprobs(logprobs, lengths[index]!), finish_reason }
    lengths[index]! += text.length
    return chunk([entry])
  }
  try {
    let next = await pieces.next()
    for (const [index, text] of starts.entries()) {
      if (text !== '') {
        yield choice({ index, text, token_ids: [], logprobs: null, tool_calls: null, finish_reason: null })
      }
    }
    for (; !next.done; next = await pieces.next()) {
      const { text, logprobs, finish_reason } = next.value
      if (text !== '' || logprobs?.length || finish_reason !== null) yield choice(next.value)
    }
    if (includeUsage) yield chunk([], wireUsage(next.value.map(({ usage }) => usage)))
  } finally {
    await pieces.return(undefined as unknown as ServedCompletion[])
  }
}
