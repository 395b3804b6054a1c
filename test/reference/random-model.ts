/** A model of random weights, both as the plain reference takes it and as the files that a user would load. */
import { random } from '../support/fixtures.ts'
import type { PlainConfig, PlainLayer, PlainModel } from './forward.ts'

export function randomModel(config: PlainConfig, seed: number): PlainModel {
  const next = random(seed)
  const { dim, nLayers, nHeads, nKvHeads, headDim, hiddenDim, vocabSize } = config
  // Uniform weights of variance 1 / inputs keep activations near 1.
  const matrix = (rows: number, cols: number) =>
    Float32Array.from({ length: rows * cols }, () => (2 * next() - 1) * Math.sqrt(3 / cols))
  const gain = () => Float32Array.from({ length: dim }, () => 0.5 + next())
  const layer = (): PlainLayer => ({
    attentionNorm: gain(),
    wq: matrix(nHeads * headDim, dim),
    wk: matrix(nKvHeads * headDim, dim),
    wv: matrix(nKvHeads * headDim, dim),
    wo: matrix(dim, nHeads * headDim),
    ffnNorm: gain(),
    w1: matrix(hiddenDim, dim),
    w3: matrix(hiddenDim, dim),
    w2: matrix(dim, hiddenDim),
  })
  return {
    config,
    tokEmbeddings: matrix(vocabSize, dim),
    layers: Array.from({ length: nLayers }, layer),
    norm: gain(),
    output: matrix(vocabSize, dim),
  }
}

/** Names of Hugging Face's files for the weights of one layer. */
const LAYER_NAMES: Record<keyof PlainLayer, string> = {
  attentionNorm: 'input_layernorm',
  wq: 'self_attn.q_proj',
  wk: 'self_attn.k_proj',
  wv: 'self_attn.v_proj',
  wo: 'self_attn.o_proj',
  ffnNorm: 'post_attention_layernorm',
  w1: 'mlp.gate_proj',
  w3: 'mlp.up_proj',
  w2: 'mlp.down_proj',
}

/** The model as a Hugging Face folder: `config.json` and `model.safetensors`, in F32. */
export function asFolder({ config, tokEmbeddings, layers, norm, output }: PlainModel): Record<string, Uint8Array> {
  const tensors: [string, Float32Array][] = [['model.embed_tokens', tokEmbeddings]]
  for (const [i, layer] of layers.entries()) {
    for (const [field, name] of Object.entries(LAYER_NAMES)) {
      tensors.push([`model.layers.${i}.${name}`, layer[field as keyof PlainLayer]])
    }
  }
  tensors.push(['model.norm', norm], ['lm_head', output])
  const json = {
    architectures: ['MistralForCausalLM'],
    model_type: 'mistral',
    hidden_size: config.dim,
    num_hidden_layers: config.nLayers,
    num_attention_heads: config.nHeads,
    num_key_value_heads: config.nKvHeads,
    head_dim: config.headDim,
    intermediate_size: config.hiddenDim,
    vocab_size: config.vocabSize,
    max_position_embeddings: 512,
    rms_norm_eps: config.normEps,
    rope_theta: config.ropeTheta,
    sliding_window: config.slidingWindow ?? null,
    tie_word_embeddings: false,
    bos_token_id: 1,
    eos_token_id: 2,
  }
  const bytes = new TextEncoder()
  return { 'config.json': bytes.encode(JSON.stringify(json)), 'model.safetensors': safetensors(tensors, config) }
}

function safetensors(tensors: [string, Float32Array][], config: PlainConfig): Uint8Array {
  const header: Record<string, unknown> = {}
  let end = 0
  for (const [name, data] of tensors) {
    const cols = columnsOf(name, config)
    const shape = cols === undefined ? [data.length] : [data.length / cols, cols]
    header[`${name}.weight`] = { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] }
    end += data.byteLength
  }
  const text = JSON.stringify(header)
  const json = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8))
  const file = new Uint8Array(8 + json.length + end)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
  file.set(json, 8)
  let at = 8 + json.length
  for (const [, data] of tensors) {
    file.set(new Uint8Array(data.buffer), at)
    at += data.byteLength
  }
  return file
}

/** undefined for the gains of norms, which are vectors. */
function columnsOf(name: string, { dim, nHeads, headDim, hiddenDim }: PlainConfig): number | undefined {
  if (name.endsWith('norm')) return undefined
  if (name.endsWith('o_proj')) return nHeads * headDim
  return name.endsWith('down_proj') ? hiddenDim : dim
}
