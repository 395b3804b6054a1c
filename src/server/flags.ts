/** Errors of the library in the words of the server: who reads them over HTTP can set flags of `serve`, not options. */
import { ContextLengthError, limitText, MemoryError, ParameterError, QueueFullError } from '../errors.ts'

/** The flag of `mistral-webgpu serve` that sets each option of loading. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ['chatFormat', '--chat-format'],
  ['chatTemplate', '--chat-template'],
  ['contextLength', '--context-length'],
  ['kvCache', '--kv-cache'],
  ['maxMemory', '--max-memory'],
  ['maxQueue', '--queue'],
  ['maxSequences', '--max-sequences'],
  ['neighbours', '--neighbours'],
  ['slidingWindow', '--sliding-window'],
  ['weights', '--weights'],
])

/** The error's message, with the flags of the server where the library names its options. */
export function inServerTerms(error: Error): string {
  if (error instanceof ContextLengthError) {
    const { promptTokens, contextLength } = error
    const answer = promptTokens <= contextLength ? ' with the answer' : ''
    const held = `the prompt has ${promptTokens} tokens, the context holds ${contextLength}${answer}`
    return `${held}; shorten it, or start the server with a larger --context-length`
  }
  if (error instanceof QueueFullError) {
    return `${error.queued} requests wait already, and the server's --queue is ${error.limit}; try again later`
  }
  if (error instanceof MemoryError) {
    const { what, neededBytes, limitBytes, limitName, fittingContext } = error
    const limit = limitText(limitBytes, limitName).replace('maxMemory', '--max-memory')
    const advice = 'start the server with --weights q8 or q4, a smaller --context-length or fewer --max-sequences'
    const fits = fittingContext === undefined ? '' : `--context-length ${fittingContext} fits; `
    return `${what} needs ${neededBytes} bytes, ${limit}; ${fits}${advice}`
  }
  const flag = error instanceof ParameterError ? FLAGS.get(error.parameter) : undefined
  const named = flag === undefined ? error.message : error.message.replace(/^parameter "\w+"/, `option ${flag}`)
  return named.replace(OPTION, (option) => FLAGS.get(option) ?? option)
}

/** Names of options inside of sentences; those that are words of English as well only stand before them. */
const OPTION = /\b[a-z]+[A-Z]\w*\b/g
