#!/usr/bin/env bash
# version: @huggingface/transformers 4.3.2 (transformers.js)
# behaviour: `generate()` takes `top_p` and `typical_p`, documents them as transformers does and reads them from generation_config.json, but nothing
#   uses them: with `top_p: 0.05` and the first token alone above that probability, every token of the vocabulary is still drawn, without an
#   error or a warning. `TopPLogitsWarper` is exported, and its constructor checks the value, but it has no code that changes a score. `top_k` and
#   `temperature` are used, and `top_k` is 50 unless it is said otherwise. A config that is tuned for `top_p` alone, as most are, samples from the
#   fifty most probable tokens. transformers for Python draws one token here.
# A model whose forward pass gives sixteen tokens nearly the same score draws 400 of them, under each of the settings.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/transformers@4.3.2 2> errors || { cat errors >&2; exit 2; }
cat > try.mjs <<'JS'
import { LlamaForCausalLM, Tensor, TopPLogitsWarper } from '@huggingface/transformers'

const VOCABULARY = 16
const config = {
  model_type: 'llama', vocab_size: VOCABULARY, num_hidden_layers: 1, num_attention_heads: 1, num_key_value_heads: 1, hidden_size: 4,
  max_position_embeddings: 512, 'transformers.js_config': {},
}
const model = new LlamaForCausalLM(config, { model: { inputNames: ['input_ids', 'attention_mask'], config: {} } }, {})
const scores = Float32Array.from({ length: VOCABULARY }, (_, id) => -0.1 * id)
model.forward = async ({ input_ids }) => {
  const [rows, length] = input_ids.dims
  const data = Float32Array.from({ length: rows * length * VOCABULARY }, (_, i) => scores[i % VOCABULARY])
  return { logits: new Tensor('float32', data, [rows, length, VOCABULARY]) }
}
async function drawn(settings) {
  const prompt = { inputs: new Tensor('int64', [1n, 2n], [1, 2]), attention_mask: new Tensor('int64', [1n, 1n], [1, 2]) }
  const ids = await model.generate({ ...prompt, max_new_tokens: 400, do_sample: true, ...settings })
  return new Set([...ids.data].slice(2)).size
}
const first = 1 / scores.reduce((sum, score) => sum + Math.exp(score), 0)
console.log(`the most probable token has the probability ${first.toFixed(3)}`)
const EXPECTED = [[{}, 16], [{ top_p: 0.05 }, 16], [{ top_p: 0.05, top_k: 0 }, 16], [{ typical_p: 0.05 }, 16], [{ top_k: 3 }, 3], [{ temperature: 0.001 }, 1]]
let same = true
for (const [settings, expected] of EXPECTED) {
  const seen = await drawn(settings)
  console.log(JSON.stringify(settings), 'draws', seen, 'different tokens')
  same &&= seen === expected
}
const refused = (() => { try { new TopPLogitsWarper(2) } catch (error) { return error.message } })()
console.log('new TopPLogitsWarper(2):', refused)
process.exit(same && /top_p/.test(refused) ? 0 : 1)
JS
node try.mjs
