/** All routes of the app, in the order in which they are tried. */

import { countMessageTokens, createMessage } from './anthropic/routes.ts'
import { createEmbeddings } from './embeddings.ts'
import { homePage } from './home-page.ts'
import { health, listModels, metricsPage, showModel } from './info-routes.ts'
import { ollamaEmbed, ollamaEmbeddings } from './ollama/embed.ts'
import { ollamaChat, ollamaGenerate, ollamaRunning, ollamaShow, ollamaTags, ollamaVersion } from './ollama/routes.ts'
import { chatCompletions } from './openai-chat.ts'
import { completions, fillInMiddle } from './openai-completions.ts'
import type { AppConfig } from './options.ts'
import { predict } from './predict.ts'
import {
  cancelResponse,
  countInputTokens,
  createResponse,
  deleteResponse,
  listInputItems,
  showResponse,
} from './responses/routes.ts'
import type { AppContext, Service } from './service.ts'
import { detokenize, props, tokenize } from './tokens.ts'

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /** For clients whose base address was given without `/v1`. */
  readonly alias?: string
  /** The field that holds what the model is to answer. Default `messages`. */
  readonly promptField?: 'prompt' | 'input'
  readonly handle: (c: AppContext, service: Service) => Response | Promise<Response>
  /** Whether it answers without an API key. Default: it does not. */
  readonly open?: (config: AppConfig) => boolean
}

/** One of OpenAI's routes, which are served without `/v1`, too. */
function openAi(
  method: Route['method'],
  path: string,
  handle: Route['handle'],
  promptField?: Route['promptField'],
): Route {
  return { method, path: `/v1${path}`, alias: path, handle, ...(promptField && { promptField }) }
}

/** The first that matches answers. `{.+}`: names of models may hold slashes. Clients encode colons, or do not. */
export const ROUTES: readonly Route[] = [
  openAi('POST', '/chat/completions', chatCompletions),
  openAi('POST', '/completions', completions, 'prompt'),
  { method: 'POST', path: '/v1/fim/completions', promptField: 'prompt', handle: fillInMiddle },
  openAi('POST', '/embeddings', createEmbeddings, 'input'),
  openAi('POST', '/responses', createResponse, 'input'),
  openAi('POST', '/responses/input_tokens', countInputTokens, 'input'),
  openAi('GET', '/responses/:id', showResponse),
  openAi('DELETE', '/responses/:id', deleteResponse),
  openAi('GET', '/responses/:id/input_items', listInputItems),
  openAi('POST', '/responses/:id/cancel', cancelResponse),
  { method: 'POST', path: '/v1/messages', handle: createMessage },
  { method: 'POST', path: '/v1/messages/count_tokens', handle: countMessageTokens },
  { method: 'POST', path: '/api/chat', handle: ollamaChat },
  { method: 'POST', path: '/api/generate', promptField: 'prompt', handle: ollamaGenerate },
  { method: 'POST', path: '/api/embed', promptField: 'input', handle: ollamaEmbed },
  { method: 'POST', path: '/api/embeddings', promptField: 'prompt', handle: ollamaEmbeddings },
  { method: 'POST', path: '/api/show', handle: ollamaShow },
  { method: 'GET', path: '/api/tags', handle: ollamaTags },
  { method: 'GET', path: '/api/ps', handle: ollamaRunning },
  { method: 'GET', path: '/api/version', handle: ollamaVersion },
  openAi('GET', '/models', listModels),
  { method: 'POST', path: '/v1/models/:name{.+(?::|%3[Aa])predict}', handle: predict },
  openAi('GET', '/models/:id{.+}', showModel),
  { method: 'POST', path: '/predict', handle: predict },
  { method: 'POST', path: '/production/predict', handle: predict },
  openAi('POST', '/tokenize', tokenize, 'prompt'),
  openAi('POST', '/detokenize', detokenize, 'prompt'),
  openAi('GET', '/props', props),
  { method: 'GET', path: '/health', handle: health, open: () => true },
  {
    method: 'GET',
    path: '/metrics',
    handle: (_, service) => metricsPage(service),
    open: ({ metricsOpen }) => metricsOpen,
  },
  { method: 'GET', path: '/', handle: (c, service) => homePage(service, c.req.url), open: () => true },
]
