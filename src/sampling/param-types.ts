/** What a request says about how tokens are chosen and when to stop. Every field may be left out or null. */
export interface SamplingInput {
  /** Tokens to generate at most, the prompt not counted. Default 512. */
  max_tokens?: number | null | undefined
  /** The same as `max_tokens` under the name of the OpenAI API; wins over it. */
  max_completion_tokens?: number | null | undefined
  /** The same as `max_tokens` under the name of Hugging Face; wins over both. */
  max_new_tokens?: number | null | undefined
  /** Tokens of prompt and answer together at most. Counts when none of the three above is given. */
  max_length?: number | null | undefined
  /** Logits are divided by it. Default 1; below 1e-5 means greedy. */
  temperature?: number | null | undefined
  /** Only the k best tokens, ties included. Default 50; 0 or -1 is all. */
  top_k?: number | null | undefined
  /** Only the best tokens that together hold this probability. Default 0.95; 1 is all. */
  top_p?: number | null | undefined
  /** false takes the best token each time. Default true. */
  do_sample?: boolean | null | undefined
  /** An integer from -2^63 to 2^63 - 1 that makes the draws repeat; a bigint beyond 2^53 - 1. Default: a random one. */
  seed?: number | bigint | null | undefined
  /** The same as `seed` under the name of Mistral's API. */
  random_seed?: number | bigint | null | undefined
  /** Texts that end the answer and are not part of it, at most 16. Empty ones say nothing. */
  stop?: string | readonly string[] | null | undefined
  /** Ids that end the answer, besides the model's own end of sequence. */
  stop_token_ids?: readonly number[] | null | undefined
  /** Do not stop at the model's end of sequence. Default false. */
  ignore_eos?: boolean | null | undefined
  /** Divides positive and multiplies negative logits of ids seen in prompt or answer. Default 1. */
  repetition_penalty?: number | null | undefined
  /** No sequence of this many ids appears twice, prompt included. Default 0: off. */
  no_repeat_ngram_size?: number | null | undefined
  /** Sequences that are never completed. */
  bad_words_ids?: readonly (readonly number[])[] | null | undefined
  /** Added to the logit that would complete the sequence: `[ids, bias]`. */
  sequence_bias?: readonly (readonly [readonly number[], number])[] | null | undefined
  /** Added to the logit of an id, within -100 and 100. */
  logit_bias?: Readonly<Record<string, number>> | null | undefined
  /** Ids that are never generated. */
  suppress_tokens?: readonly number[] | null | undefined
  /** No end of sequence before prompt and answer have this many tokens. Default 0. */
  min_length?: number | null | undefined
  /** No end of sequence before the answer has this many tokens. Default 0. */
  min_new_tokens?: number | null | undefined
  /** The same as `min_new_tokens`, which wins. */
  min_tokens?: number | null | undefined
  /** Only tokens at least this fraction as probable as the best. Default 0: off. */
  min_p?: number | null | undefined
  /** Locally typical sampling. Default 1: off. */
  typical_p?: number | null | undefined
  /** Only tokens of at least this probability. Default 0: off. */
  epsilon_cutoff?: number | null | undefined
  /** Eta sampling. Default 0: off. */
  eta_cutoff?: number | null | undefined
  /** Subtracted from a logit for each time its id was generated. -2 to 2, default 0. */
  frequency_penalty?: number | null | undefined
  /** Subtracted from a logit whose id was generated. -2 to 2, default 0. */
  presence_penalty?: number | null | undefined
  /** Texts that are never generated, at the beginning of a word or inside one. */
  bad_words?: readonly string[] | null | undefined
  /** false computes all tokens anew at every step: the same text, slowly. Default true. */
  use_cache?: boolean | null | undefined
  /** Bring the log-probability of each token of the answer, under the model's own distribution. Default false. */
  logprobs?: boolean | null | undefined
  /** And those of so many most probable tokens, 0 to 20. Needs `logprobs`. */
  top_logprobs?: number | null | undefined
  /**
   * Prompt lookup decoding: guess up to so many tokens from what followed the same words earlier, and check them in one
   * pass. The text is the same; where it repeats its prompt it comes sooner. Default 0: off.
   */
  prompt_lookup_num_tokens?: number | null | undefined
  /** Answers to give to the same prompt, 1 to 16. Answer i draws with seed + i. Default 1. */
  n?: number | null | undefined
  /** Put the text of the prompt before the answer. Default false. */
  return_full_text?: boolean | null | undefined
}

/** Checked parameters with all defaults filled in; `parseSamplingParams` makes them. */
export interface SamplingParams {
  /** Infinity when `max_length` limits instead. */
  readonly max_tokens: number
  /** Tokens of prompt and answer together; undefined when `max_tokens` was given. */
  readonly max_length: number | undefined
  readonly temperature: number
  /** 0 is off. */
  readonly top_k: number
  readonly top_p: number
  /** false also when the temperature asked for greedy. */
  readonly do_sample: boolean
  /** undefined: whoever runs the request takes a random one. */
  readonly seed: number | bigint | undefined
  readonly stop: readonly string[]
  readonly stop_token_ids: readonly number[]
  readonly ignore_eos: boolean
  readonly repetition_penalty: number
  readonly no_repeat_ngram_size: number
  readonly bad_words_ids: readonly (readonly number[])[]
  readonly sequence_bias: readonly (readonly [readonly number[], number])[]
  readonly logit_bias: Readonly<Record<string, number>>
  readonly suppress_tokens: readonly number[]
  readonly min_length: number
  readonly min_new_tokens: number
  readonly min_p: number
  readonly typical_p: number
  readonly epsilon_cutoff: number
  readonly eta_cutoff: number
  readonly frequency_penalty: number
  readonly presence_penalty: number
  readonly bad_words: readonly string[]
  readonly use_cache: boolean
  readonly logprobs: boolean
  readonly top_logprobs: number
  readonly prompt_lookup_num_tokens: number
  readonly n: number
  readonly return_full_text: boolean
}
