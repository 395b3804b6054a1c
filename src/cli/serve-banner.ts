/** The text that `serve` prints when it is ready. */
import pkg from '../../package.json' with { type: 'json' }
import type { MistralChat } from '../chat/mistral-chat.ts'
import { curlWords } from '../server/curl.ts'
import { dtypesOf } from './bench/subject.ts'
import { type Cli, colorsFor } from './context.ts'
import { keysOf, type ServeCommandOptions } from './serve-options.ts'
import { memoryLine } from './stats.ts'

/** Tells which model is served, how it lies on the GPU, and a line to try it with. */
export function serveBanner(cli: Cli, chat: MistralChat, url: string, { app }: ServeCommandOptions): string {
  const { bold, dim } = colorsFor(cli, 'out')
  const { model } = chat
  const { loaded, config } = model
  const status = model.status()
  const rows = [
    [
      'model',
      `${app.modelId}: ${config.nLayers} layers of ${config.dim}, ${config.vocabSize} tokens in the vocabulary`,
    ],
    ['weights', dtypesOf(loaded.weights).join(', ')],
    ['memory', `${memoryLine(status.memory)}; ${status.maxSequences} sequences`],
    ['context', `${status.contextLength} tokens, prompt and answer together`],
    ['queue', `${status.maxQueue} requests may wait`],
    ['adapter', loaded.gpu.name],
    ['keys', app.apiKeys?.length ? `${app.apiKeys.length}, one of them must be sent` : 'none'],
    ['serving', `${url}  ${dim(`OpenAI at ${url}/v1, predict at ${url}/predict`)}`],
  ]
  const width = Math.max(...rows.map(([title]) => title!.length))
  const lines = rows.map(([title, text]) => `  ${dim(title!.padEnd(width))}  ${text}`)
  return `${bold(`mistral-webgpu ${pkg.version}`)}\n${lines.join('\n')}\n\n${curlLine(cli, url, app)}\n\n`
}

/** To be pasted into a shell as it stands, where that knows the key; else with the word KEY in its place. */
export function curlLine(cli: Cli, url: string, { modelId, apiKeys }: ServeCommandOptions['app']): string {
  // The key itself does not belong on a screen.
  const key =
    keysOf(cli).length === 1 ? '"Authorization: Bearer $MISTRAL_WEBGPU_API_KEY"' : "'Authorization: Bearer KEY'"
  return `  ${curlWords(url, modelId, apiKeys?.length ? key : undefined).join(' ')}`
}
