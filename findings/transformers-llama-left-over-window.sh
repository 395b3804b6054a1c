#!/usr/bin/env bash
# version: transformers 5.18.0 (with torch 2.13.0)
# behaviour: a Llama model whose config.json has a left-over `sliding_window` (Llama has no such field, and its attention
#   sees every key) loses keys while it generates: the cache that `generate` makes goes by the field and keeps that many
#   keys less one, though the model does not. The same prompt gives other tokens with the cache than without it, without
#   an error or a warning. A whole prompt in one forward pass is not affected.
# A random Llama of two layers answers a prompt of 20 ids, with the cache and without it, with the field and without it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --retries 1 --disable-pip-version-check transformers==5.18.0 torch==2.13.0 \
  2> "$folder/errors" || { cat "$folder/errors" >&2; exit 2; }
cat > "$folder/try.py" <<'PY'
import json
import pathlib
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM

torch.set_num_threads(1)
config = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48, "vocab_size": 64,
    "max_position_embeddings": 128, "rope_theta": 10000.0, "bos_token_id": 1, "eos_token_id": None,
    "tie_word_embeddings": False,
}


def answers(config):
    """Sixteen greedy ids after the prompt, with the cache and without."""
    folder = pathlib.Path(sys.argv[1]) / f"model-{len(config)}"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight.copy_(torch.ones_like(weight) if "norm" in name else 0.5 * noise)
    prompt = torch.arange(3, 23)[None]
    run = lambda cached: model.generate(prompt, max_new_tokens=16, do_sample=False, use_cache=cached)[0, 20:].tolist()
    return run(True), run(False)


plain = answers(config)
left_over = answers({**config, "sliding_window": 8})
print("without the field: cache", plain[0], "no cache", plain[1])
print("with the field:    cache", left_over[0], "no cache", left_over[1])
same_without = plain[0] == plain[1] == left_over[1]
sys.exit(0 if same_without and left_over[0] != left_over[1] else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder" 2> "$folder/errors" || { code=$?; cat "$folder/errors" >&2; exit "$code"; }
