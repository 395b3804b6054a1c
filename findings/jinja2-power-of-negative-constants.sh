#!/usr/bin/env bash
# version: jinja2 3.1.6
# behaviour: a negative constant raised to a variable has the wrong sign, brackets or not: `{{ -2 ** 2 }}` and `{{ (-2) ** 2 }}`
#   are 4, as jinja2's grammar says, but with n = 2 `{{ -2 ** n }}`, `{{ (-2) ** n }}` and `{{ (1 - 3) ** n }}` are -4. With a
#   variable on the left, `{{ -m ** n }}` is 4 again. The optimizer replaces the left side by the constant -2, and the compiler
#   writes it into Python source without brackets, where `**` binds closer than the sign: -2 ** n is -(2 ** n).
# A template with all forms is rendered with m = n = 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --retries 1 --disable-pip-version-check jinja2==3.1.6 \
  2> "$folder/errors" || { cat "$folder/errors" >&2; exit 2; }
cat > "$folder/try.py" <<'PY'
import sys

from jinja2 import Environment
from jinja2.sandbox import ImmutableSandboxedEnvironment

forms = {"-2 ** 2": "4", "(-2) ** 2": "4", "-m ** n": "4", "-2 ** n": "-4", "(-2) ** n": "-4", "(1 - 3) ** n": "-4"}
same = True
for kind in (Environment, ImmutableSandboxedEnvironment):
    for form, expected in forms.items():
        seen = kind().from_string("{{ " + form + " }}").render(m=2, n=2)
        print(f"{kind.__name__}: {form} is {seen}")
        same = same and seen == expected
sys.exit(0 if same else 1)
PY
"$folder/venv/bin/python" "$folder/try.py"
