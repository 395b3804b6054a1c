/** Lengths and speeds of an answer, for a person to read. */
import type { ChatCompletion } from '../chat/chat-model.ts'

/** One line about an answer: `prompt 5 tokens (3 cached), 120/s; answer 200 tokens, 41.3/s; first after 84 ms; length`. */
export function answerStats({
  finish_reason,
  usage,
  timings,
}: Pick<ChatCompletion, 'finish_reason' | 'usage' | 'timings'>): string {
  const cached = usage.cached_tokens > 0 ? ` (${usage.cached_tokens} cached)` : ''
  const prompt = `prompt ${usage.prompt_tokens} tokens${cached}, ${speed(timings.prefillTokensPerSecond)}`
  const answer = `answer ${usage.completion_tokens} tokens, ${speed(timings.decodeTokensPerSecond)}`
  return `${prompt}; ${answer}; first token after ${Math.round(timings.ttftMs)} ms; ended by ${finish_reason}`
}

function speed(tokensPerSecond: number): string {
  if (!Number.isFinite(tokensPerSecond)) return 'no speed'
  return `${tokensPerSecond.toFixed(tokensPerSecond < 100 ? 1 : 0)}/s`
}
