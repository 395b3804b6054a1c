#!/usr/bin/env bash
# version: peft 0.21.0 (with torch 2.13.0)
# behaviour: of the keys of `alpha_pattern` and `rank_pattern` that fit a module the first one counts, and saving an adapter sorts them by name. A pattern for one
#   layer ahead of one for all, {"layers.0.mlp.down_proj": 64, "down_proj": 16}, is trained as it says; in the saved adapter_config.json
#   "down_proj" stands first, so that layer 0 of the loaded adapter has the scale of 16: it computes something else than what was trained and
#   saved, without an error or a warning. With `rank_pattern` in the same way the adapter cannot be loaded again: its shapes are not those that the sorted
#   config asks for. "layers.0.self_attn.v_proj" before "v_proj" stays as it is, by its letters alone.
# A model of two layers gets adapters with such patterns, which are saved and loaded again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check peft==0.21.0 torch==2.13.0 2> errors || { cat errors >&2; exit 2; }
cat > try.py <<'PY'
import json
import pathlib
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model


class Mlp(torch.nn.Module):
    def __init__(self, name):
        super().__init__()
        setattr(self, name, torch.nn.Linear(8, 8, bias=False))
        self.forward = lambda x: getattr(self, name)(x)


class Layer(torch.nn.Module):
    def __init__(self, name):
        super().__init__()
        self.mlp = Mlp(name)

    def forward(self, x):
        return self.mlp(x)


class Model(torch.nn.Module):
    def __init__(self, name):
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.ModuleList(Layer(name) for _ in range(2))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def scales(model, name):
    return [getattr(layer.mlp, name).scaling["default"] for layer in model.base_model.model.layers]


def trial(name, field):
    patterns = {f"layers.0.mlp.{name}": 64, name: 16}
    trained = get_peft_model(Model(name), LoraConfig(r=8, lora_alpha=8, target_modules=[name], init_lora_weights=False, **{field: patterns}))
    folder = pathlib.Path(f"{name}-{field}")
    trained.save_pretrained(folder)
    print(f"{field} {patterns} is saved as {json.loads((folder / 'adapter_config.json').read_text())[field]}")
    try:
        loaded = PeftModel.from_pretrained(Model(name), folder)
    except RuntimeError as error:
        print("  cannot be loaded:", next(line.strip() for line in str(error).splitlines() if "size mismatch" in line))
        return "refused"
    x = torch.ones(1, 8)
    equal = torch.allclose(loaded(x), trained(x))
    print(f"  scales trained {scales(trained, name)}, loaded {scales(loaded, name)}; the outputs are {'equal' if equal else 'not equal'}")
    return [scales(trained, name), scales(loaded, name), equal]


seen = [trial("down_proj", "alpha_pattern"), trial("v_proj", "alpha_pattern"), trial("down_proj", "rank_pattern")]
sys.exit(0 if seen == [[[8, 2], [2, 2], False], [[8, 2], [8, 2], True], "refused"] else 1)
PY
venv/bin/python try.py 2> log || { code=$?; cat log >&2; exit "$code"; }
! grep -i pattern log
