import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ChatLoadOptions, MistralChat } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { random } from '../support/fixtures.ts'

const DIM = 32
const KV = 16
const HIDDEN = 32

/** A real SentencePiece file, from where it lies; undefined when it is not there. */
export function sharedTokenizer(name: string): Uint8Array | undefined {
  const path = fileURLToPath(new URL(`../../../shared/tokenizers/${name}`, import.meta.url))
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined
}

/** One layer of random weights under some vocabulary: for what depends on tokens and templates, not on sense. */
export function loadTiny(
  tokenizer: Record<string, Uint8Array | string>,
  vocab: number,
  options: ChatLoadOptions = {},
): Promise<MistralChat> {
  const files: Record<string, Uint8Array | string> = {
    'config.json': JSON.stringify({
      architectures: ['MistralForCausalLM'],
      model_type: 'mistral',
      hidden_size: DIM,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      head_dim: KV,
      intermediate_size: HIDDEN,
      vocab_size: vocab,
      max_position_embeddings: 512,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      sliding_window: null,
      tie_word_embeddings: false,
      bos_token_id: 1,
      eos_token_id: 2,
    }),
    ...tokenizer,
    'model.safetensors': safetensors(vocab),
  }
  return MistralChat.load({ open: (name) => files[name] }, { disableFeatures: disabledFeatures(), ...options })
}

function safetensors(vocab: number): Uint8Array {
  const layer = 'model.layers.0.'
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [vocab, DIM],
    [`${layer}input_layernorm.weight`]: [DIM],
    [`${layer}self_attn.q_proj.weight`]: [DIM, DIM],
    [`${layer}self_attn.k_proj.weight`]: [KV, DIM],
    [`${layer}self_attn.v_proj.weight`]: [KV, DIM],
    [`${layer}self_attn.o_proj.weight`]: [DIM, DIM],
    [`${layer}post_attention_layernorm.weight`]: [DIM],
    [`${layer}mlp.gate_proj.weight`]: [HIDDEN, DIM],
    [`${layer}mlp.up_proj.weight`]: [HIDDEN, DIM],
    [`${layer}mlp.down_proj.weight`]: [DIM, HIDDEN],
    'model.norm.weight': [DIM],
    'lm_head.weight': [vocab, DIM],
  }
  const header: Record<string, unknown> = {}
  let end = 0
  for (const [name, shape] of Object.entries(shapes)) {
    const bytes = 4 * shape.reduce((product, size) => product * size)
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + bytes] }
    end += bytes
  }
  const json = new TextEncoder().encode(JSON.stringify(header).padEnd(4096))
  const file = new Uint8Array(8 + json.length + end)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
  file.set(json, 8)
  const next = random(3)
  const weights = new Float32Array(file.buffer, 8 + json.length, end / 4)
  for (let i = 0; i < weights.length; i++) weights[i] = next() - 0.5
  return file
}
