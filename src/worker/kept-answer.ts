/** What a tab keeps of a running answer, so that another model can go on with it. */
import type { ChatChunk } from '../chat/answer.ts'
import type { ChatCompletion } from '../chat/chat-model.ts'
import type { Begun, BegunChoice } from '../chat/resume.ts'
import type { TokenLogprob } from '../chat/token-logprob.ts'
import { randomSeed } from '../sampling/random.ts'

interface KeptChoice extends BegunChoice {
  readonly tokenIds: number[]
  finishReason: BegunChoice['finishReason']
  readonly logprobs: TokenLogprob[]
  /** The names of its calls of tools, which each model draws anew. */
  readonly callIds: (string | undefined)[]
}

export class KeptAnswer {
  /** For a request that names none. */
  readonly #seed: number
  readonly #choices: KeptChoice[]
  /** Tokens that have come. */
  tokens = 0

  /** @param begun what the reader had of it before this tab asked */
  constructor({ seed, choices }: Begun = { seed: randomSeed(), choices: [] }) {
    this.#seed = seed
    this.#choices = []
    for (const [index, one] of choices.entries()) {
      if (one) this.#choices[index] = { ...one, tokenIds: [...one.tokenIds], logprobs: [], callIds: [] }
    }
  }

  add({ index, token_ids, logprobs, tool_calls, finish_reason }: ChatChunk): void {
    this.#choices[index] ??= { tokenIds: [], finishReason: null, logprobs: [], callIds: [] }
    const kept = this.#choices[index]
    kept.tokenIds.push(...token_ids)
    kept.finishReason = finish_reason
    kept.logprobs.push(...(logprobs ?? []))
    for (const { index: call, id } of tool_calls ?? []) kept.callIds[call] ??= id
    this.tokens += token_ids.length
  }

  /** For the model that goes on with it. */
  get begun(): Begun {
    const choices = Array.from(this.#choices, (one: KeptChoice | undefined) => {
      return one && { tokenIds: one.tokenIds, finishReason: one.finishReason }
    })
    return { seed: this.#seed, choices }
  }

  /** The completion, with what a model that came later cannot know. */
  whole(completion: ChatCompletion): ChatCompletion {
    const choices = completion.choices.map((choice, index) => {
      const { logprobs, callIds } = this.#choices[index]!
      const tool_calls = choice.tool_calls?.map((call, i) => ({ ...call, id: callIds[i] ?? call.id })) ?? null
      return { ...choice, logprobs: choice.logprobs && logprobs, tool_calls }
    })
    const { logprobs, tool_calls } = choices[0]!
    return { ...completion, choices, logprobs, tool_calls }
  }
}
