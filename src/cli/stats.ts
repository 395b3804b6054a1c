/** Lengths and speeds of an answer, for a person to read. */
import type { ChatCompletion } from '../chat/chat-model.ts'
import { bytes } from '../errors/units.ts'
import type { ModelMemory } from '../model/memory.ts'

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

/** One line about memory: `4.1 GiB on the GPU: weights 3.9 GiB (1.00 × the file's), f16 cache 128 MiB (32 KiB a token), …`. */
export function memoryLine({ total, weights, ratio, workspace, adapters, ...cache }: ModelMemory): string {
  const parts = [
    `weights ${bytes(weights)} (${ratio.toFixed(2)} × the file's)`,
    `${cache.cacheType} cache ${bytes(cache.cache)} (${bytes(cache.cachePerToken)} a token)`,
    `workspace ${bytes(workspace)}`,
    ...(adapters > 0 ? [`adapters ${bytes(adapters)}`] : []),
  ]
  return `${bytes(total)} on the GPU: ${parts.join(', ')}`
}

function speed(tokensPerSecond: number): string {
  if (!Number.isFinite(tokensPerSecond)) return 'no speed'
  return `${tokensPerSecond.toFixed(tokensPerSecond < 100 ? 1 : 0)}/s`
}
