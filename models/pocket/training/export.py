"""Writes a checkpoint of train.py as a Hugging Face folder: config.json, generation_config.json, model.safetensors.

    python export.py --run runs/a --out ..
"""
import argparse
from pathlib import Path

import torch
from transformers import GenerationConfig, MistralForCausalLM

from train import BOS, EOS, POCKET, config


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--run', type=Path, required=True)
    p.add_argument('--out', type=Path, default=POCKET)
    a = p.parse_args()
    state = torch.load(a.run / 'checkpoint.pt', weights_only=True)
    model = MistralForCausalLM(config(state['model']['lm_head.weight'].shape[0]))
    model.load_state_dict(state['model'])
    model = model.to(torch.bfloat16)
    model.generation_config = GenerationConfig(bos_token_id=BOS, eos_token_id=EOS, do_sample=True, temperature=0.7,
                                               top_p=0.95, max_new_tokens=128)
    model.save_pretrained(a.out)
    (a.out / 'model.safetensors').chmod(0o644)
    size = (a.out / 'model.safetensors').stat().st_size
    print(f"step {state['step']}, {state['seconds']:.0f} s of training, model.safetensors {size:,} bytes")


if __name__ == '__main__':
    main()
