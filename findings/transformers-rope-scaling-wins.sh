#!/usr/bin/env bash
# version: transformers 5.18.0
# behaviour: where config.json has both `rope_parameters`, which transformers 5 writes, and a `rope_scaling` of transformers 4, the old field takes
#   the place of the whole new one, without a warning. Even {"rope_type": "default"}, which says that nothing is scaled, turns YaRN off and takes
#   `rope_theta` back from 1000000 to 10000, since the base stands in `rope_parameters` too; saving the config makes that lasting. Only null and an
#   empty object do not. A base beside both fields is used, but not where `rope_parameters` has one: of two bases the inner one counts.
# The config of a Mistral model is read with the fields in several ways.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --retries 1 --disable-pip-version-check transformers==5.18.0 \
  2> "$folder/errors" || { cat "$folder/errors" >&2; exit 2; }
cat > "$folder/try.py" <<'PY'
import json
import pathlib
import sys

from transformers import AutoConfig

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024, "rope_theta": 1e6}
# Of each: the fields, the type and the base that come out.
CASES = [
    ({"rope_parameters": YARN}, ("yarn", 1e6)),
    ({"rope_parameters": YARN, "rope_scaling": None}, ("yarn", 1e6)),
    ({"rope_parameters": YARN, "rope_scaling": {}}, ("yarn", 1e6)),
    ({"rope_parameters": YARN, "rope_scaling": {"rope_type": "default"}}, ("default", 1e4)),
    ({"rope_parameters": YARN, "rope_scaling": {"type": "linear", "factor": 2.0}}, ("linear", 1e4)),
    ({"rope_parameters": YARN, "rope_scaling": {"rope_type": "default"}, "rope_theta": 5e5}, ("default", 5e5)),
    ({"rope_parameters": YARN, "rope_theta": 5e5}, ("yarn", 1e6)),
]
same = True
for number, (fields, expected) in enumerate(CASES):
    path = pathlib.Path(sys.argv[1]) / str(number)
    path.mkdir()
    config = {"model_type": "mistral", "hidden_size": 32, "num_attention_heads": 4, "max_position_embeddings": 4096, **fields}
    (path / "config.json").write_text(json.dumps(config))
    read = AutoConfig.from_pretrained(path)
    read.save_pretrained(path)
    saved = json.loads((path / "config.json").read_text())["rope_parameters"]
    seen = [(rope["rope_type"], rope["rope_theta"]) for rope in (read.rope_parameters, saved)]
    print(json.dumps(fields), "gives the type {} and the base {:.0f}".format(*seen[0]))
    same = same and seen == [expected, expected]
sys.exit(0 if same else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder" 2> "$folder/errors" || { code=$?; cat "$folder/errors" >&2; exit "$code"; }
