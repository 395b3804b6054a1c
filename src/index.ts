/**
 * mistral-webgpu: Mistral chat models in any WebGPU runtime.
 * @module mistral-webgpu
 */
export type { ChatChoice, ChatChunk, ChatFinishReason } from './chat/answer.ts'
export { type ChatCompletion, type ChatModel, ChatStream } from './chat/chat-model.ts'
export { AnswerJournal, type JournalChoice, type JournalJson } from './chat/journal.ts'
export type { TemplateOptions } from './chat/load-template.ts'
export { type ChatLoadOptions, MistralChat } from './chat/mistral-chat.ts'
export type { ChatRequest, PromptRequest } from './chat/request.ts'
export type { TokenLogprob, TopLogprob } from './chat/token-logprob.ts'
export type { CompleteToolCall, ToolCallDelta } from './chat/tool-calls.ts'
export type { ToolChoice } from './chat/tool-choice.ts'
export type { Constraint } from './constraints/constraint.ts'
export {
  AbortError,
  ChatTemplateError,
  CheckpointError,
  ChoiceError,
  ConfigError,
  ConstraintError,
  ContextLengthError,
  ConversationError,
  DeviceError,
  DeviceLostError,
  type ErrorJson,
  GrammarError,
  type LimitName,
  MemoryError,
  type MemoryPlan,
  MistralError,
  type ModelChoice,
  NoTokenLeftError,
  ParameterError,
  PatternError,
  QueueFullError,
  SavedCacheError,
  SchemaError,
  SelfTestError,
  StorageError,
  TokenizerError,
} from './errors.ts'
export type { CustomReader } from './formats/byte-reader.ts'
export type { FileOpener, OpenedFile } from './formats/file-opener.ts'
export type { ModelSource } from './formats/source.ts'
export type { HubOptions } from './formats/source-options.ts'
export type { AdapterInfo, AdapterOptions } from './generate/adapter-types.ts'
export type {
  CachedFile,
  CachedModel,
  CacheOptions,
  CacheVerdict,
  Pulled,
  PullOptions,
} from './generate/cache-types.ts'
export { listCached, pull, removeCached, verifyCached } from './generate/cached.ts'
export type { Timings } from './generate/clock.ts'
export type { Embedding, EmbedOptions } from './generate/embedding.ts'
export { GenerationStream } from './generate/generation-stream.ts'
export { MistralModel } from './generate/mistral-model.ts'
export type { ModelStatus } from './generate/model-status.ts'
export type {
  ConstraintOptions,
  GenerateOptions,
  LoadOptions,
  LogitsOptions,
  RequestOptions,
} from './generate/options.ts'
export type { Perplexity, PerplexityOptions, PerplexityProgress } from './generate/perplexity.ts'
export { canRun, plan } from './generate/plan.ts'
export { type QuantizeOptions, type QuantizeResult, quantize } from './generate/quantize.ts'
export type { CacheSource, RestoredCache, SaveCacheOptions } from './generate/saved-cache-types.ts'
export type { IdLogprob, StepLogprobs } from './generate/step-logprobs.ts'
export type { FinishReason, GenerationStep, GenerationSummary, Usage } from './generate/types.ts'
export type { BatchProfile, KernelTime } from './gpu/profiler.ts'
export { chromeTrace } from './gpu/trace.ts'
export type { AttentionVariant, BatchClass, GpuMatmul, MatmulVariant, RowsMatmul, Tuning } from './gpu/tuning.ts'
export type { ModelConfig } from './model/config.ts'
export type { KernelReport, SelfTestOption, TuningOption } from './model/kernel-report.ts'
export type { LoadProgress } from './model/load-progress.ts'
export type { ModelMemory } from './model/memory.ts'
export type { ModelPlan, PlanAlternative, PlanProblem } from './model/plan-types.ts'
export type { RopeScaling } from './model/rope.ts'
export type { QuantizationReport } from './model/rounding.ts'
export type { ContextLimit, SizeOptions } from './model/size-types.ts'
export type { LoopInput } from './sampling/loop-params.ts'
export { processLogits, type SamplingContext } from './sampling/processors.ts'
export type { SamplingInput } from './sampling/request-params.ts'
export type { SamplerInput } from './sampling/sampler-params.ts'
export type { ResponseFormat, TextInput } from './sampling/text-params.ts'
export type { ChatFormat } from './tokenizer/chat-format.ts'
export type { ChatMessage, ContentPart, TextPart, ThinkingPart, Tool, ToolCall } from './tokenizer/chat-messages.ts'
export type { StreamOptions, TextStream } from './tokenizer/text-stream.ts'
export { type EncodeOptions, Tokenizer } from './tokenizer/tokenizer.ts'
