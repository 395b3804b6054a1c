/** `POST /v1/completions`: several prompts in one request, echoes, and logprobs in the older form. */
import * as v from 'valibot'
import type { ChatChunk } from '../chat/answer.ts'
import type { ChatModel } from '../chat/chat-model.ts'
import { type ChatRequest, type CheckedRequest, checkRequest, parseRequest } from '../chat/request.ts'
import { ParameterError } from '../errors.ts'
import { MAX_TOP_LOGPROBS } from '../sampling/loop-params.ts'
import type { BodyFields } from './body.ts'
import { jsonResponse } from './errors.ts'
import { type AnswerHead, answerHead, chunksOf, completionLogprobs, TextOffsets, wireUsage } from './openai-wire.ts'
import type { ServedCompletion } from './records.ts'
import { type Pieces, runAll } from './run.ts'
import {
  answeringModel,
  checkModel,
  checkStreamOptions,
  flag,
  lenientFields,
  modelRequest,
  openAiFields,
  parseFields,
  readFields,
} from './schema.ts'
import type { AppContext, Service } from './service.ts'
import { eventStream } from './sse.ts'
import { follow } from './stream.ts'

type Prompt = string | readonly number[]

/** Prompts of one request: each is a sequence of its own. */
const MAX_PROMPTS = 16

const logprobsMessage = `must be the number of top tokens, from 0 to ${MAX_TOP_LOGPROBS}`
const fields = {
  ...openAiFields,
  prompt: v.unknown(),
  echo: flag,
  // A number here, where chat completions have a boolean and a number.
  logprobs: v.nullish(
    v.union(
      [v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_TOP_LOGPROBS)), v.literal(false)],
      logprobsMessage,
    ),
  ),
}
const schema = v.looseObject(fields)
const lenientSchema = v.looseObject({ ...fields, ...lenientFields })
const FIELDS = Object.keys(fields)

interface CompletionWire {
  prompts: readonly Prompt[]
  requests: readonly CheckedRequest[]
  choicesEach: number
  echo: boolean
  stream: boolean
  includeUsage: boolean
}

/** `POST /v1/completions`: texts or token ids are continued as they stand, without a template. */
export async function completions(c: AppContext, service: Service): Promise<Response> {
  const { config } = service
  const chat = service.model.use()
  const wire = await parseCompletion(await readFields(c, config), service, chat)
  const trace = c.get('trace')
  trace.stream = wire.stream
  trace.asked(wire.prompts)
  const leads = await Promise.all(wire.requests.map((request) => leadLength(request, chat)))
  const echoed = await Promise.all(wire.prompts.map((prompt) => (wire.echo ? promptText(prompt, chat) : '')))
  const head = {
    ...answerHead('cmpl', answeringModel(wire.requests[0]!, service)),
    // The server makes each choice's text begin with this.
    starts: echoed.flatMap((text) => Array.from({ length: wire.choicesEach }, () => text)),
    offsets: leads.flatMap((lead) => Array.from({ length: wire.choicesEach }, () => new TextOffsets(lead))),
    includeUsage: wire.includeUsage,
  }
  const { abort, unlink } = follow(c.req.raw)
  const pieces = runAll(service.model, wire.requests, wire.choicesEach, { signal: abort.signal, trace })
  if (!wire.stream) {
    const results = await pieces.result.finally(unlink)
    return jsonResponse(completionBody(head, results, wire.choicesEach))
  }
  const family = c.get('family')
  return eventStream(completionEvents(pieces, head), { abort, unlink, trace, family, limits: config })
}

/** `POST /v1/fim/completions`, Mistral's route for code with a gap: told by name that there is no such thing here. */
export function fillInMiddle(): never {
  throw new ParameterError('suffix', undefined, 'is not supported: the model continues texts and does not fill gaps')
}

/** @throws ParameterError, HttpError */
async function parseCompletion(body: BodyFields, service: Service, chat: ChatModel): Promise<CompletionWire> {
  const { lenient } = service.config
  const wire = parseFields(lenient ? lenientSchema : schema, body)
  const named = checkModel(wire.model, service)
  checkStreamOptions(body, wire.stream, lenient)
  const prompts = await parsePrompts(body.prompt, chat)
  const { logprobs, ...rest } = body
  const wanted = typeof logprobs === 'number'
  if (wanted && wire.echo) {
    throw new ParameterError('logprobs', logprobs, 'cannot be had with echo: the prompt has no logprobs here')
  }
  if (wire.echo && body.return_full_text === true) {
    throw new ParameterError('echo', true, 'repeats the prompt, and so does return_full_text: send one of them')
  }
  const asked = wanted ? { ...rest, logprobs: true, top_logprobs: logprobs } : rest
  const shared = { ...named, ...modelRequest(asked, { fields: FIELDS, passed: [], lenient }) }
  const requests = prompts.map((prompt) => checkRequest({ ...shared, prompt } as ChatRequest))
  return {
    prompts,
    requests,
    choicesEach: parseRequest(requests[0]!).params.text.n,
    echo: wire.echo,
    stream: wire.stream,
    includeUsage: wire.stream_options?.include_usage ?? false,
  }
}

/**
 * OpenAI's four forms: a text, a list of texts, a list of token ids, a list of such lists.
 * @throws ParameterError for more than can ever be let in together, too: trying again would not help
 */
async function parsePrompts(value: unknown, chat: ChatModel): Promise<Prompt[]> {
  if (isPrompt(value)) return [checkedPrompt(value, 'prompt', chat)]
  if (!Array.isArray(value) || value.length === 0) {
    const fact = Array.isArray(value) ? 'must not be empty' : `must be ${FORMS}`
    throw new ParameterError('prompt', value, fact)
  }
  const { maxSequences, maxQueue } = await chat.status()
  const most = Math.min(MAX_PROMPTS, maxSequences + maxQueue)
  if (value.length > most) {
    const why = most < MAX_PROMPTS ? "the server's --max-sequences and --queue together" : 'no request may hold more'
    throw new ParameterError('prompt', value, `must hold at most ${most} prompts: ${why}`)
  }
  if (!value.every(isPrompt)) throw new ParameterError('prompt', value, `must be ${FORMS}`)
  return value.map((prompt, i) => checkedPrompt(prompt, `prompt[${i}]`, chat))
}

const FORMS = 'a text, a list of texts, token ids, or a list of lists of them'

function isPrompt(value: unknown): value is Prompt {
  if (typeof value === 'string') return true
  return Array.isArray(value) && value.length > 0 && value.every((id) => Number.isSafeInteger(id) && id >= 0)
}

/** @param at the prompt's place in the request. @throws ParameterError for an empty text, or a token that is not there */
function checkedPrompt(prompt: Prompt, at: string, { vocabSize }: ChatModel): Prompt {
  if (prompt === '') throw new ParameterError(at, prompt, 'must not be empty')
  const unknown = typeof prompt === 'string' ? -1 : prompt.findIndex((id) => id >= vocabSize)
  if (unknown >= 0) {
    throw new ParameterError(`${at}[${unknown}]`, prompt[unknown], `must be a token id, below ${vocabSize}`)
  }
  return prompt
}

/** Characters that the model's text has before the answer's; needed for the offsets of logprobs only. */
async function leadLength(request: CheckedRequest, chat: ChatModel): Promise<number> {
  const { params } = parseRequest(request)
  if (!params.text.return_full_text || !params.loop.logprobs) return 0
  const text = await chat.decode(await chat.encode(request))
  return text.length
}

function promptText(prompt: Prompt, chat: ChatModel): string | Promise<string> {
  return typeof prompt === 'string' ? prompt : chat.decode(prompt)
}

interface CompletionHead extends AnswerHead {
  starts: readonly string[]
  /** Of each choice. */
  offsets: readonly TextOffsets[]
  includeUsage: boolean
}

function completionBody(
  { id, created, model, starts, offsets }: CompletionHead,
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
          logprobs: completionLogprobs(choice.logprobs, offsets[index]!),
          finish_reason: choice.finish_reason,
        }
      }),
    ),
    usage: wireUsage(results.map(({ usage }) => usage)),
  }
}

async function* completionEvents(
  pieces: Pieces<ServedCompletion[]>,
  head: CompletionHead,
): AsyncGenerator<object, void, undefined> {
  const { starts, offsets, includeUsage } = head
  const chunk = chunksOf(head, 'text_completion', includeUsage)
  const choice = ({ index, text, logprobs, finish_reason }: ChatChunk) =>
    chunk([{ index, text, logprobs: completionLogprobs(logprobs, offsets[index]!), finish_reason }])
  const nothing = { reasoning_content: null, logprobs: null, tool_calls: null, finish_reason: null }
  const echoes = starts.flatMap((text, index) =>
    text === '' ? [] : [choice({ index, text, token_ids: [], ...nothing })],
  )
  for await (const piece of pieces) {
    // The first piece comes before the first event: what fails until then gets a status of its own.
    yield* echoes.splice(0)
    if (piece.text !== '' || piece.finish_reason !== null) yield choice(piece)
  }
  if (includeUsage) yield chunk([], wireUsage((await pieces.result).map(({ usage }) => usage)))
}
