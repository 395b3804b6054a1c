"""Random checkpoints of every supported class and layout with what transformers computes. See README.md. Run: python make.py FOLDER"""

import json
import random
import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Ministral3Config,
    Ministral3ForCausalLM,
    MinistralConfig,
    MinistralForCausalLM,
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    MistralConfig,
    MistralForCausalLM,
)

FIXTURES = Path(__file__).parent.parent / "fixtures" / "checkpoints"
sys.path.insert(0, str(FIXTURES))
from family import VISION, native_name  # noqa: E402
from gguf_files import add_tokens, gguf_name, permute, unpermute  # noqa: E402
from support import randomize  # noqa: E402

CLASSES = {
    "mistral": (MistralConfig, MistralForCausalLM),
    "ministral": (MinistralConfig, MinistralForCausalLM),
    "ministral3": (Ministral3Config, Ministral3ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
}
DTYPES = [torch.float32, torch.float16, torch.bfloat16]
HEAD_DIMS = [2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 30, 32, 40, 64, 80, 96, 128]


def rope_of(r, kind):
    theta = r.choice([10_000.0, 1e6, 500_000.0, 1e8, 1234.5])
    original = r.choice([8, 11, 16, 24])
    names = ["default", "linear", "llama3", "yarn"] if kind != "ministral3" else ["yarn", "yarn", "default", "linear"]
    name = r.choice(names)
    rope = {"rope_type": name, "rope_theta": theta}
    if name == "linear":
        rope["factor"] = r.choice([2.0, 3.5, 8])
    if name == "llama3":
        rope |= {"factor": r.choice([4.0, 32]), "low_freq_factor": r.choice([1.0, 0.5]),
                 "high_freq_factor": r.choice([4.0, 2]), "original_max_position_embeddings": original * 4}
    if name == "yarn":
        rope |= {"factor": r.choice([16.0, 2, 48, 1.0, 0.5]), "original_max_position_embeddings": original}
        if r.random() < 0.7:
            rope |= {"beta_fast": r.choice([2.0, 4, 32]), "beta_slow": r.choice([0.1, 1, 0.5])}
        rope |= r.choice([{}, {"mscale": 1.0, "mscale_all_dim": 1.0}, {"mscale": 1, "mscale_all_dim": 0},
                          {"mscale": 0.7, "mscale_all_dim": 1.3}, {"attention_factor": 1.25}, {"mscale": 1.0},
                          {"attention_factor": 0.8, "mscale": 1.0, "mscale_all_dim": 1.0}, {"mscale_all_dim": 1.0}])
        if r.random() < 0.2:
            rope["truncate"] = False
        if kind == "ministral3":
            rope["llama_4_scaling_beta"] = r.choice([0.1, 0.5, 0.0])
    if kind == "ministral3" and "llama_4_scaling_beta" not in rope:
        rope["llama_4_scaling_beta"] = 0.2
        rope["original_max_position_embeddings"] = original
    return rope


def config_of(r, kind):
    kv = r.choice([1, 1, 2, 3, 4])
    fields = {
        "vocab_size": r.randint(33, 400), "hidden_size": r.choice([r.randint(5, 100), 64, 96]),
        "intermediate_size": r.choice([r.randint(5, 150), 128]), "num_hidden_layers": r.randint(1, 3),
        "num_attention_heads": kv * r.choice([1, 2, 3, 4, 5, 8]), "num_key_value_heads": kv,
        "head_dim": r.choice(HEAD_DIMS), "max_position_embeddings": r.choice([64, 256, 1000]),
        "rms_norm_eps": r.choice([1e-5, 1e-6, 1e-3]), "tie_word_embeddings": r.random() < 0.4,
        "rope_parameters": rope_of(r, kind), "pad_token_id": None,
        "bos_token_id": r.choice([1, 3]), "eos_token_id": r.choice([2, [2, 4]]),
    }
    if kind in ("mistral", "ministral", "ministral3"):
        fields["sliding_window"] = r.choice([None, None, r.randint(2, 20)])
    if kind == "ministral":
        fields["sliding_window"] = r.randint(2, 20)
        if r.random() < 0.8:
            fields["layer_types"] = [r.choice(["full_attention", "sliding_attention"])
                                     for _ in range(fields["num_hidden_layers"])]
    if kind == "llama":
        # The class insists on it.
        fields["hidden_size"] = fields["num_attention_heads"] * r.randint(2, 12)
        fields["attention_bias"] = r.random() < 0.5
        fields["mlp_bias"] = r.random() < 0.5
    return fields


def logits_of(model, prompt):
    with torch.no_grad():
        return model(torch.tensor([prompt]), use_cache=False).logits[0].float().numpy()


def edit(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data, indent=1))
    return data


def to_v4(r, data):
    """The same as transformers 4 wrote it."""
    text = data.get("text_config", data)
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope.pop("rope_theta")
    beta = rope.pop("llama_4_scaling_beta", None)
    kind = rope.get("rope_type")
    if kind != "default":
        if r.random() < 0.5:
            rope["type"] = rope.pop("rope_type")
        if beta is not None:
            rope["llama_4_scaling_beta"] = beta
        text["rope_scaling"] = rope
    elif r.random() < 0.5:
        text["rope_scaling"] = None
    for owner in (data, text):
        if "dtype" in owner:
            owner["torch_dtype"] = owner.pop("dtype")


def drop_defaults(r, data, kind):
    """Takes out keys whose absence means what they say."""
    text = data.get("text_config", data)
    blank = CLASSES[kind][0]().to_dict()
    for key in list(text):
        if key in blank and blank[key] == text[key] and key not in ("model_type", "rope_parameters") and r.random() < 0.6:
            del text[key]
    if text.get("head_dim") is not None and text["head_dim"] * text["num_attention_heads"] == text.get("hidden_size"):
        if kind != "ministral3" and r.random() < 0.7:
            text["head_dim"] = None
            if r.random() < 0.5:
                del text["head_dim"]
    for key in ("architectures", "transformers_version", "use_cache", "initializer_range", "attention_dropout"):
        if r.random() < 0.3:
            (data if key in data else text).pop(key, None)


def layout_names(r, folder):
    """The names that published files of the wrapper have."""
    path = folder / "model.safetensors"
    choice = r.choice(["as saved", "model.language_model.", "language_model.model."])
    if choice == "as saved":
        return choice
    tensors = {}
    for full, value in load_file(path).items():
        rest = full.removeprefix("model.").removeprefix("language_model.").removeprefix("model.")
        if rest.startswith(("vision_tower.", "multi_modal_projector.")):
            name = rest if choice.startswith("language") else f"model.{rest}"
        elif rest.startswith("lm_head."):
            name = f"language_model.{rest}" if choice.startswith("language") else rest
        else:
            name = choice + rest
        tensors[name] = value
    save_file(tensors, path, metadata={"format": "pt"})
    return choice


def folder_case(root, i):
    r = random.Random(i)
    kind = r.choice(["mistral", "ministral", "ministral3", "llama"])
    fields = config_of(r, kind)
    wrapped = kind in ("mistral", "ministral3") and r.random() < 0.35
    folder = root / f"{i:03}-{'wrapped-' if wrapped else ''}{kind}"
    shutil.rmtree(folder, ignore_errors=True)
    if r.random() < 0.2 and fields["hidden_size"] % fields["num_attention_heads"] == 0:
        fields["head_dim"] = max(2, fields["hidden_size"] // fields["num_attention_heads"] // 2 * 2)
    config_class, model_class = CLASSES[kind]
    text = config_class(**fields)
    dtype = r.choice(DTYPES)
    torch.manual_seed(i)
    if wrapped:
        tied = fields["tie_word_embeddings"]
        config = Mistral3Config(text_config=text, vision_config=VISION, tie_word_embeddings=tied)
        config._attn_implementation = "eager"
        model = Mistral3ForConditionalGeneration(config)
    else:
        text._attn_implementation = "eager"
        model = model_class(text)
    randomize(model, i, min(0.3, 1.6 / fields["hidden_size"] ** 0.5))
    model = model.to(dtype)
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    shards = 1 if wrapped or r.random() < 0.7 else 3
    model.save_pretrained(folder, max_shard_size="1GB" if shards == 1 else max(1000, int(size / shards * 1.15)))
    if r.random() < 0.5:
        (folder / "generation_config.json").unlink(missing_ok=True)
    names = layout_names(r, folder) if wrapped else ""
    if r.random() < 0.4:
        edit(folder / "config.json", lambda data: to_v4(r, data))
    if r.random() < 0.7:
        edit(folder / "config.json", lambda data: drop_defaults(r, data, kind))
    if kind == "ministral" and r.random() < 0.5 and "layer_types" in json.loads((folder / "config.json").read_text()):
        edit(folder / "config.json", lambda data: data.update(model_type="mistral", architectures=["MistralForCausalLM"]))
    load = Mistral3ForConditionalGeneration if wrapped else AutoModelForCausalLM
    again = load.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    finish(r, folder, again, fields, f"{names} {str(dtype)[6:]} {fields['rope_parameters']['rope_type']}")


def finish(r, folder, model, fields, note):
    length = min(r.choice([20, 33, 50]), fields["max_position_embeddings"])
    prompt = [1] + [r.randrange(3, fields["vocab_size"]) for _ in range(length - 1)]
    logits = logits_of(model.double().eval(), prompt)
    logits.astype("<f4").tofile(folder / "logits.bin")
    (folder / "case.json").write_text(json.dumps({"prompt": prompt, "note": note}))
    print(f"{folder.name:24} {note} max {np.abs(logits).max():.1f}", flush=True)


def native_case(root, i):
    """A model in Mistral's own layout: other names, and pairs of RoPE that are neighbours."""
    r = random.Random(5000 + i)
    fields = config_of(r, "ministral3") | {"sliding_window": None}
    original, beta = r.choice([8, 16]), r.choice([0.0, 0.1, 0.4])
    scaled, stretched = r.random() < 0.5, r.random() < 0.7
    rope = {"rope_type": "default", "rope_theta": 10_000.0}
    if stretched:
        rope |= {"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": original, "beta_fast": 4.0,
                 "beta_slow": 0.5, "mscale": 1.0, "mscale_all_dim": 0.0 if scaled else 1.0}
    rope |= {"llama_4_scaling_beta": beta, "original_max_position_embeddings": original}
    fields["rope_parameters"] = rope
    config = Ministral3Config(**fields)
    config._attn_implementation = "eager"
    model = Ministral3ForCausalLM(config)
    randomize(model, i, min(0.3, 1.6 / fields["hidden_size"] ** 0.5))
    dtype = r.choice(DTYPES)
    heads = {"q_proj": fields["num_attention_heads"], "k_proj": fields["num_key_value_heads"]}
    tensors = {}
    with torch.no_grad():
        for full, p in model.named_parameters():
            w = p.to(dtype)
            p.copy_(w)
            part = full.split(".")[-2]
            if part in heads:
                w = w.reshape(heads[part], 2, w.shape[0] // heads[part] // 2, -1).transpose(1, 2).reshape(w.shape)
            tensors[native_name(full)] = w.contiguous()
    params = {
        "dim": fields["hidden_size"], "n_layers": fields["num_hidden_layers"], "head_dim": fields["head_dim"],
        "hidden_dim": fields["intermediate_size"], "n_heads": fields["num_attention_heads"],
        "n_kv_heads": fields["num_key_value_heads"], "norm_eps": fields["rms_norm_eps"],
        "vocab_size": fields["vocab_size"], "rope_theta": rope["rope_theta"],
        "max_position_embeddings": fields["max_position_embeddings"], "tied_embeddings": fields["tie_word_embeddings"],
    }
    if stretched:
        params["yarn"] = {"original_max_position_embeddings": original, "factor": 16.0, "apply_scale": scaled,
                          "beta": 4.0, "alpha": 0.5}
    if beta:
        params["llama_4_scaling"] = {"original_max_position_embeddings": original, "beta": beta}
    folder = root / f"{i:03}-native"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "params.json").write_text(json.dumps(params))
    save_file(tensors, folder / "consolidated.safetensors")
    finish(r, folder, model, fields, f"{str(dtype)[6:]} yarn {stretched} scaled {scaled} beta {beta}")


QTYPE = gguf.GGMLQuantizationType


def gguf_case(root, i):
    """A GGUF of some type or mix, with keys left out that have defaults."""
    r = random.Random(9000 + i)
    arch = r.choice(["llama", "llama", "mistral3"])
    grows = r.random() < 0.4
    kv = r.choice([1, 2, 3])
    heads = kv * r.choice([1, 2, 4])
    head_dim = r.choice([8, 16, 32, 64])
    fields = {
        # Rows of quantized matrices are whole blocks.
        "vocab_size": r.choice([61, 96, 320]), "hidden_size": 32 * r.randint(1, 4),
        "intermediate_size": 32 * r.randint(1, 5), "num_hidden_layers": r.randint(1, 3), "num_attention_heads": heads,
        "num_key_value_heads": kv, "head_dim": head_dim, "max_position_embeddings": 256,
        "rms_norm_eps": r.choice([1e-5, 1e-6]), "tie_word_embeddings": r.random() < 0.4, "pad_token_id": None,
        "sliding_window": r.choice([None, None, r.randint(2, 20)]),
    }
    if heads * head_dim % 32:
        fields["head_dim"] = head_dim = 32
    original = r.choice([8, 16])
    rope = {"rope_type": r.choice(["default", "linear", "yarn"]), "rope_theta": r.choice([10_000.0, 1e6])}
    if rope["rope_type"] == "linear":
        rope["factor"] = 4.0
    if rope["rope_type"] == "yarn":
        rope |= {"factor": 16.0, "original_max_position_embeddings": original, "beta_fast": 4.0, "beta_slow": 0.5,
                 "mscale": 1.0, "mscale_all_dim": r.choice([0.0, 1.0])}
    # Without yarn, llama.cpp has no other length to go by.
    grows = grows and rope["rope_type"] == "yarn"
    if grows:
        rope["llama_4_scaling_beta"] = 0.3
    classes = (Ministral3Config, Ministral3ForCausalLM) if grows else (MistralConfig, MistralForCausalLM)
    config = classes[0](**fields, rope_parameters=rope)
    config._attn_implementation = "eager"
    model = classes[1](config)
    randomize(model, i, min(0.3, 1.6 / fields["hidden_size"] ** 0.5))
    folder = root / f"{i:03}-gguf-{arch}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    w = gguf.GGUFWriter(folder / "model.gguf", arch)
    w.add_context_length(256)
    w.add_embedding_length(fields["hidden_size"])
    w.add_block_count(fields["num_hidden_layers"])
    w.add_feed_forward_length(fields["intermediate_size"])
    w.add_head_count(heads)
    w.add_layer_norm_rms_eps(fields["rms_norm_eps"])
    if kv != heads or r.random() < 0.5:
        w.add_head_count_kv(kv)
    if head_dim * heads != fields["hidden_size"] or r.random() < 0.5:
        w.add_key_length(head_dim)
        w.add_value_length(head_dim)
    if r.random() < 0.5:
        w.add_rope_dimension_count(head_dim)
    if rope["rope_theta"] != 10_000 or r.random() < 0.5:
        w.add_rope_freq_base(rope["rope_theta"])
    if fields["sliding_window"] is not None:
        w.add_sliding_window(fields["sliding_window"])
    if rope["rope_type"] != "default":
        w.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
        w.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        w.add_rope_scaling_orig_ctx_len(original)
        w.add_rope_scaling_yarn_beta_fast(4.0)
        w.add_rope_scaling_yarn_beta_slow(0.5)
        w.add_rope_scaling_yarn_log_mul(rope["mscale_all_dim"])
    if grows:
        w.add_attn_temperature_scale(0.3)
    add_tokens(w, fields["vocab_size"])
    kinds = [QTYPE.F32, QTYPE.F16, QTYPE.BF16, QTYPE.Q8_0, QTYPE.Q4_0, QTYPE.Q4_1, QTYPE.Q5_0, QTYPE.Q5_1]
    main = r.choice(kinds)
    of_head = {"q_proj": heads, "k_proj": kv}
    with torch.no_grad():
        for full, p in model.named_parameters():
            part = full.split(".")[-2]
            kind = QTYPE.F32 if p.ndim == 1 else main if r.random() < 0.7 else r.choice(kinds)
            value = permute(p.numpy().copy(), of_head[part]) if part in of_head else p.numpy().copy()
            packed = gguf.quants.quantize(value, kind)
            back = gguf.quants.dequantize(packed, kind).reshape(value.shape)
            p.copy_(torch.from_numpy((unpermute(back, of_head[part]) if part in of_head else back).copy()))
            native = kind in (QTYPE.F32, QTYPE.F16)
            w.add_tensor(gguf_name(full), packed, raw_dtype=None if native else kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    finish(r, folder, model, fields, f"{main.name} {rope['rope_type']} grows {grows} window {fields['sliding_window']}")


def main(root, count):
    for i in range(count):
        folder_case(root, i)
    for i in range(count // 8):
        native_case(root, i)
    for i in range(count // 4):
        gguf_case(root, i)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 64)
