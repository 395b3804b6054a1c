/**
 * mistral-webgpu/ai-sdk: a provider for Vercel's AI SDK that answers in process.
 * @module mistral-webgpu/ai-sdk
 */
export { createMistralWebGPU, type MistralWebGPUOptions, type MistralWebGPUProvider } from './provider.ts'
export type {
  CallOptions,
  CallPart,
  Content,
  FinishReason,
  GenerateResult,
  LanguageModel,
  PromptMessage,
  PromptPart,
  ResponseFormat,
  ResponseMetadata,
  StreamPart,
  StreamResult,
  Usage,
  Warning,
} from './types.ts'
