/**
 * Chat models in a worker: the page never waits for the engine.
 * @module mistral-webgpu/worker
 */
export type { PortLike, SharedWorkerLike } from '../platform/worker-types.ts'
export { WorkerError } from './link.ts'
export { MistralChat, type WorkerLoadOptions, type WorkerModelStatus } from './worker-chat.ts'
