/** The hyper-parameters of one checkpoint, under the names of Mistral's own reference code. */
export interface ModelConfig {
  readonly architecture: 'MistralForCausalLM' | 'LlamaForCausalLM'
  /** Width of the residual stream (`hidden_size`). */
  readonly dim: number
  readonly nLayers: number
  readonly nHeads: number
  readonly nKvHeads: number
  /** Width of one attention head. Not always `dim / nHeads`. */
  readonly headDim: number
  /** Width of the feed-forward layer (`intermediate_size`). */
  readonly hiddenDim: number
  readonly vocabSize: number
  /** Epsilon of RMSNorm. */
  readonly normEps: number
  readonly ropeTheta: number
  readonly ropeScaling: RopeScaling | undefined
  /** Positions the model was trained for (`max_position_embeddings`). */
  readonly maxPositions: number
  /** Per layer: the number of keys a query sees, itself included; undefined is full attention. */
  readonly slidingWindows: readonly (number | undefined)[]
  /** Input embedding and output projection are one matrix. */
  readonly tiedEmbeddings: boolean
  /**
   * Which elements of a head RoPE rotates together in this checkpoint's `wq` and `wk`: `'half'` is (i, i + headDim/2)
   * as Hugging Face stores them, `'adjacent'` is (2i, 2i+1) as Mistral's own code and GGUF do.
   */
  readonly ropePairing: 'half' | 'adjacent'
  readonly bosTokenId: number | undefined
  readonly eosTokenIds: readonly number[]
}

/** Changes of the rotary frequencies that are implemented (Hugging Face `modeling_rope_utils.py`). */
export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly lowFreqFactor: number
      readonly highFreqFactor: number
      readonly originalMaxPositions: number
    }
