#!/usr/bin/env bash
# version: minijinja-js 2.11.0, against @huggingface/jinja 0.5.11 and jinja2 3.1.6
# behaviour: the keys of every object are put in alphabetical order, those of the values that a template is given and those of an object in its text,
#   and so they are written by `tojson` and met by `for` and `items()`. jinja2 and @huggingface/jinja keep the order in which they were given. A
#   chat template writes the definitions of tools with `tojson`: {"type", "function": {"name", ...}} becomes {"function": {"description",
#   "name", ...}, "type"}, and the parameters of a function, whose order is meant, are sorted too, so that the prompt is another one than the model was
#   trained on. `tojson` also leaves out the spaces that Python's has and writes ' as \u0027. None of it is an error or a warning.
# One list of tools is rendered by all three, jinja2 with the `tojson` that transformers gives it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund minijinja-js@2.11.0 @huggingface/jinja@0.5.11 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
PIP_RETRIES=0 venv/bin/pip install --quiet --disable-pip-version-check jinja2==3.1.6 2> errors || { cat errors >&2; exit 2; }
cat > tools.json <<'JSON'
[{ "type": "function", "function": { "name": "route", "description": "A day's way", "parameters": { "to": "string", "from": "string" } } }]
JSON
cat > templates.json <<'JSON'
[
  "{{ tools | tojson }}",
  "{% for key in tools[0].function %}{{ key }} {% endfor %}",
  "{% for key, value in tools[0].function.parameters.items() %}{{ key }} {% endfor %}",
  "{% for key in {'to': 1, 'from': 2} %}{{ key }} {% endfor %}"
]
JSON
cat > try.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { Template } from '@huggingface/jinja'
import { Environment } from 'minijinja-js'
const [tools, templates] = ['tools', 'templates'].map((name) => JSON.parse(readFileSync(`${name}.json`, 'utf8')))
const environment = new Environment()
environment.enablePyCompat()
const rendered = templates.map((text) => [new Template(text).render({ tools }), environment.renderStr(text, { tools })])
console.log(JSON.stringify(rendered))
JS
cat > try.py <<'PY'
import json
import pathlib
import subprocess
import sys

from jinja2.sandbox import ImmutableSandboxedEnvironment

tools, templates = (json.loads(pathlib.Path(f"{name}.json").read_text()) for name in ("tools", "templates"))
environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
SORTED = [
    '[{"function":{"description":"A day\\u0027s way","name":"route","parameters":{"from":"string","to":"string"}},"type":"function"}]',
    "description name parameters ",
    "from to ",
    "from to ",
]
javascript = json.loads(subprocess.run(["node", "try.mjs"], check=True, capture_output=True, text=True).stdout)
same = True
for template, expected, (huggingface, minijinja) in zip(templates, SORTED, javascript):
    python = environment.from_string(template).render(tools=tools)
    print(f"{template}\n  jinja2             {python}\n  @huggingface/jinja {huggingface}\n  minijinja-js       {minijinja}")
    same = same and python == huggingface and minijinja == expected
sys.exit(0 if same else 1)
PY
venv/bin/python try.py
