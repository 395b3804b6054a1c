"""Writes src/formats/ggml-grids.ts: the grids of GGUF's IQ types, as gguf-py has them.

    python tools/make_grids.py        (needs gguf)
"""

import base64
from pathlib import Path

from gguf import quants

NAMES = ["IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S"]
TARGET = Path(__file__).parent.parent / "src/formats/ggml-grids.ts"

text = """/**
 * The grids of GGUF's IQ types: each index of a file stands for eight weights (IQ3: four). Facts of ggml's `ggml-common.h`,
 * written by `tools/make_grids.py`; loaded with the files that need them.
 */
"""
for name in NAMES:
    packed = bytes.fromhex(getattr(quants, name).grid_hex.decode())
    lines = base64.b64encode(packed).decode()
    wrapped = "\n".join(lines[at : at + 116] for at in range(0, len(lines), 116))
    entries, width = getattr(quants, name).grid_shape
    bits = 8 * len(packed) // (entries * width)
    text += f"\n/** [{entries}, {width}] codes of {bits} bits, the lowest first, in base64. */\n"
    text += f"export const {name} = `\n{wrapped}`\n"
TARGET.write_text(text)
