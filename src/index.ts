/** mistral-webgpu: Mistral chat models in any WebGPU runtime. */
export {
  type ChatChunk,
  type ChatCompletion,
  type ChatLoadOptions,
  type ChatRequest,
  MistralChat,
} from './chat/mistral-chat.ts'
export {
  AbortError,
  ChatTemplateError,
  CheckpointError,
  ConfigError,
  ContextLengthError,
  DeviceError,
  DeviceLostError,
  MemoryError,
  MistralError,
  ParameterError,
  TokenizerError,
} from './errors.ts'
export type { FileOpener, ModelSource, OpenedFile } from './formats/source.ts'
export { type GenerateOptions, type LoadOptions, MistralModel, type RequestOptions } from './generate/mistral-model.ts'
export type { FinishReason, GenerationStep, GenerationSummary, Timings, Usage } from './generate/token-loop.ts'
export type { ModelConfig, RopeScaling } from './model/config.ts'
export type { LoadProgress } from './model/engine.ts'
export type { SamplingInput } from './sampling/params.ts'
export { processLogits } from './sampling/processors.ts'
export type { ChatMessage, Tool, ToolCall } from './tokenizer/chat-messages.ts'
export { Tokenizer } from './tokenizer/tokenizer.ts'
