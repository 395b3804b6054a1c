/**
 * mistral-webgpu/prompt-api: `LanguageModel` of the web's Prompt API, over a model of this library.
 * @module mistral-webgpu/prompt-api
 */
export type { MonitorCallback } from './create-monitor.ts'
export { QuotaExceededError } from './errors.ts'
export { LanguageModel } from './language-model.ts'
export type {
  ContentType,
  LanguageModelContent,
  LanguageModelMessage,
  LanguageModelPrompt,
  LanguageModelRole,
} from './messages.ts'
export type {
  AppendOptions,
  Availability,
  CloneOptions,
  CreateCoreOptions,
  CreateOptions,
  Expected,
  LanguageModelTool,
  PromptOptions,
  SamplingMode,
  Thinking,
} from './options.ts'
export { type ProvidedModel, provideModel, releaseModel } from './provider.ts'
export {
  LanguageModelToolCall,
  LanguageModelToolError,
  LanguageModelToolSuccess,
  type ToolResultContent,
} from './tools.ts'
