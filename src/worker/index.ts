/**
 * Chat models in a worker: the page never waits for the engine.
 * @module mistral-webgpu/worker
 */
export type { PortLike } from '../platform/worker-types.ts'
export { WorkerError } from './link.ts'
export { MistralChat, type WorkerLoadOptions } from './worker-chat.ts'
