/** The provider: models of the AI SDK over a loaded model of this library. */
import type { ChatModel } from '../chat/chat-model.ts'
import { partsOf, resultOf } from './answer.ts'
import { PROVIDER, requestOf } from './request.ts'
import type { CallOptions, GenerateResult, LanguageModel, StreamPart, StreamResult, Warning } from './types.ts'

export interface MistralWebGPUOptions {
  /** The name under which answers carry the model. Default `mistral`. */
  readonly modelId?: string | undefined
}

export interface MistralWebGPUProvider {
  /** The model, under the name given here or to `createMistralWebGPU`. */
  (modelId?: string): LanguageModel
  languageModel(modelId?: string): LanguageModel
}

/**
 * A provider for `generateText`, `streamText` and the rest of the AI SDK, without a server.
 * @param chat a loaded model, or the promise of one: calls wait for it
 */
export function createMistralWebGPU(
  chat: ChatModel | Promise<ChatModel>,
  { modelId: own = 'mistral' }: MistralWebGPUOptions = {},
): MistralWebGPUProvider {
  const languageModel = (modelId = own): LanguageModel => new InProcessModel(chat, modelId)
  return Object.assign((modelId?: string) => languageModel(modelId), { languageModel })
}

class InProcessModel implements LanguageModel {
  readonly specificationVersion = 'v3'
  readonly provider = PROVIDER
  readonly supportedUrls = {}

  constructor(
    private readonly chat: ChatModel | Promise<ChatModel>,
    readonly modelId: string,
  ) {}

  async doGenerate(options: CallOptions): Promise<GenerateResult> {
    const { request, warnings } = requestOf(options)
    const stream = (await this.chat).generate(request, { signal: options.abortSignal })
    return { ...resultOf(await stream.completion), warnings, response: this.metadata() }
  }

  async doStream(options: CallOptions): Promise<StreamResult> {
    const { request, warnings } = requestOf(options)
    const parts = partsOf((await this.chat).generate(request, { signal: options.abortSignal }))
    // What fails before the first part fails the call, as it would over HTTP.
    const first = await parts.next()
    return { stream: asStream(this.parts(first, parts, warnings)) }
  }

  private async *parts(
    first: IteratorResult<StreamPart>,
    rest: AsyncGenerator<StreamPart>,
    warnings: Warning[],
  ): AsyncGenerator<StreamPart, void, undefined> {
    yield { type: 'stream-start', warnings }
    yield { type: 'response-metadata', ...this.metadata() }
    try {
      if (!first.done) yield first.value
      yield* rest
    } catch (error) {
      yield { type: 'error', error }
    } finally {
      await rest.return(undefined)
    }
  }

  private metadata() {
    return {
      id: `gen-${globalThis.crypto.getRandomValues(new Uint32Array(2)).join('')}`,
      timestamp: new Date(),
      modelId: this.modelId,
    }
  }
}

/** Not `ReadableStream.from`, which browsers are without. Who cancels it ends the answer. */
function asStream(parts: AsyncGenerator<StreamPart, void, undefined>): ReadableStream<StreamPart> {
  return new ReadableStream<StreamPart>(
    {
      async pull(controller) {
        const next = await parts.next()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      async cancel() {
        await parts.return()
      },
    },
    { highWaterMark: 0 },
  )
}
