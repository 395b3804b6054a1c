/** The stream that `MistralModel.generate` gives. */
import { ResultStream } from '../async/result-stream.ts'
import type { GenerationStep, GenerationSummary } from './types.ts'

/**
 * The steps of one generation: `for await` gives tokens as they come. The work begins with the first step that is asked
 * for; leaving the loop frees the sequence.
 */
export class GenerationStream extends ResultStream<GenerationStep, GenerationSummary> {
  /**
   * Finish reason, usage and timings, once the generation is over. It rejects with what the generation failed with, and
   * with `AbortError` when the loop was left before the end.
   */
  get summary(): Promise<GenerationSummary> {
    return this.result
  }
}
