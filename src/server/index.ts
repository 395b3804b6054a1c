/**
 * mistral-webgpu/server: the HTTP API as a Hono app that any runtime can serve.
 * @module mistral-webgpu/server
 */

export type { ChatModel } from '../chat/chat-model.ts'
export { createApp, type Fetch, type MistralApp } from './app.ts'
export type { AppOptions, Refusal } from './options.ts'
export type { RequestLevel, RequestRecord } from './records.ts'
