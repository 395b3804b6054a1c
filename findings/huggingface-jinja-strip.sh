#!/usr/bin/env bash
# version: @huggingface/jinja 0.5.11 (the engine of transformers.js), against jinja2 3.1.6
# behaviour: `strip`, `lstrip` and `rstrip` take any white space away, whatever characters they are told to: `'\n    x'.lstrip('\n')` is `x`, where
#   Python gives `    x`. Templates of models that think cut the line ends off a former answer in this way, with
#   `content.split('</think>')[-1].lstrip('\n')`, so that an answer which begins with indented code loses its indentation: the prompt of the
#   next turn is another one than the model was trained on and, in Python, is given, without an error. Two more of the kind: a template
#   whose file has the line ends CR LF keeps the CR in every prompt, since only jinja2 makes LF of all line ends, and `trim_blocks` takes
#   no line end away there; and lists are equal only if they are one and the same list, so that `message.tags == ['code']` is never true.
# One template of this style and three small ones are rendered by both engines, jinja2 being set up as transformers does it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @huggingface/jinja@0.5.11 2> errors || { cat errors >&2; exit 2; }
python3 -m venv venv
venv/bin/pip install --quiet --retries 1 --disable-pip-version-check jinja2==3.1.6 2> errors || { cat errors >&2; exit 2; }
cat > cases.json <<'JSON'
[
  "{%- for m in messages %}\n{{- '<|' + m.role + '|>\\n' }}\n{%- if m.role == 'assistant' %}\n{%- set thought = m.content.split('</think>')[0].split('<think>')[-1].strip('\\n') %}\n{{- '<think>\\n' + thought + '\\n</think>\\n\\n' + m.content.split('</think>')[-1].lstrip('\\n') }}\n{%- else %}\n{{- m.content }}\n{%- endif %}\n{{- '<|end|>\\n' }}\n{%- endfor %}",
  "[{{ '\\n  x  \\n'.strip('\\n') }}] [{{ '\\n  x'.lstrip('\\n') }}] [{{ 'x  \\n'.rstrip('\\n') }}]",
  "{% if true %}\r\nyes\r\n{% endif %}\r\nno",
  "{{ 'equal' if messages[0].tags == ['code'] else 'not equal' }}"
]
JSON
cat > messages.json <<'JSON'
[
  { "role": "user", "content": "The body of f?", "tags": ["code"] },
  { "role": "assistant", "content": "<think>\n  1. One line.\n</think>\n\n    return 1\n" },
  { "role": "user", "content": "And of g?" }
]
JSON
cat > try.mjs <<'JS'
import { Template } from '@huggingface/jinja'
import { readFileSync } from 'node:fs'
const [cases, messages] = ['cases.json', 'messages.json'].map((name) => JSON.parse(readFileSync(name)))
console.log(JSON.stringify(cases.map((source) => new Template(source).render({ messages }))))
JS
cat > try.py <<'PY'
import json
import subprocess
import sys

from jinja2.sandbox import ImmutableSandboxedEnvironment

cases = json.load(open("cases.json", newline=""))
messages = json.load(open("messages.json"))
environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
ours = [environment.from_string(case).render(messages=messages) for case in cases]
theirs = json.loads(subprocess.run(["node", "try.mjs"], check=True, capture_output=True, text=True).stdout)
for python, javascript in zip(ours, theirs):
    print("jinja2:            ", repr(python))
    print("@huggingface/jinja:", repr(javascript))
turn = "<|user|>\nThe body of f?<|end|>\n<|assistant|>\n<think>\n{}1. One line.\n</think>\n\n{}<|end|>\n<|user|>\nAnd of g?<|end|>\n"
expected = (
    [turn.format("  ", "    return 1\n"), "[  x  ] [  x] [x  ]", "yes\nno", "equal"],
    [turn.format("", "return 1\n"), "[x] [x] [x]", "\r\nyes\r\n\r\nno", "not equal"],
)
sys.exit(0 if (ours, theirs) == expected else 1)
PY
venv/bin/python try.py
