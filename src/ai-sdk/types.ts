/**
 * The part of the AI SDK's model interface (`LanguageModelV3` of `@ai-sdk/provider`) that this provider reads and writes.
 * It is spelled out here, so that pages without that package can use the types.
 */

/** A part of a message, or a tool: the type says which fields it has besides. */
export interface CallPart {
  readonly type: string
}

export type PromptPart = CallPart

export interface PromptMessage {
  readonly role: string
  readonly content: string | readonly PromptPart[]
}

export type ResponseFormat =
  | { readonly type: 'text' }
  | {
      readonly type: 'json'
      readonly schema?: unknown
      readonly name?: string | undefined
      readonly description?: string | undefined
    }

export interface CallOptions {
  readonly prompt: readonly PromptMessage[]
  readonly maxOutputTokens?: number | undefined
  readonly temperature?: number | undefined
  readonly stopSequences?: readonly string[] | undefined
  readonly topP?: number | undefined
  readonly topK?: number | undefined
  readonly presencePenalty?: number | undefined
  readonly frequencyPenalty?: number | undefined
  readonly responseFormat?: ResponseFormat | undefined
  readonly seed?: number | undefined
  readonly tools?: readonly CallPart[] | undefined
  readonly toolChoice?: { readonly type: string; readonly toolName?: string } | undefined
  readonly abortSignal?: AbortSignal | undefined
  /** `{'mistral-webgpu': …}`: further parameters of a request, under their own names. */
  readonly providerOptions?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined
}

export type Warning = { type: 'unsupported'; feature: string; details?: string } | { type: 'other'; message: string }

export interface FinishReason {
  unified: 'stop' | 'length' | 'tool-calls'
  raw: string
}

export interface Usage {
  inputTokens: { total: number; noCache: number; cacheRead: number; cacheWrite: undefined }
  outputTokens: { total: number; text: number; reasoning: number }
}

export type Content =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'tool-call'; toolCallId: string; toolName: string; input: string }

/** Of an answer. */
export interface ResponseMetadata {
  id: string
  timestamp: Date
  modelId: string
}

export interface GenerateResult {
  content: Content[]
  finishReason: FinishReason
  usage: Usage
  warnings: Warning[]
  response: ResponseMetadata
}

export type StreamPart =
  | { type: 'stream-start'; warnings: Warning[] }
  | ({ type: 'response-metadata' } & ResponseMetadata)
  | { type: 'text-start' | 'text-end' | 'reasoning-start' | 'reasoning-end' | 'tool-input-end'; id: string }
  | { type: 'text-delta' | 'reasoning-delta' | 'tool-input-delta'; id: string; delta: string }
  | { type: 'tool-input-start'; id: string; toolName: string }
  | { type: 'tool-call'; toolCallId: string; toolName: string; input: string }
  | { type: 'finish'; finishReason: FinishReason; usage: Usage }
  | { type: 'error'; error: unknown }

export interface StreamResult {
  stream: ReadableStream<StreamPart>
}

/** A `LanguageModelV3` of the AI SDK. */
export interface LanguageModel {
  readonly specificationVersion: 'v3'
  readonly provider: string
  readonly modelId: string
  readonly supportedUrls: Record<string, RegExp[]>
  doGenerate(options: CallOptions): Promise<GenerateResult>
  doStream(options: CallOptions): Promise<StreamResult>
}
