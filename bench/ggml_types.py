"""Writes a GGUF once for each element type, with llama.cpp's own rounding: what `bench/perplexity.ts` measures.

    npm pack @node-llama-cpp/linux-x64@3.22.1 && tar xzf node-llama-cpp-linux-x64-3.22.1.tgz
    npx tsx --conditions=mistral-webgpu-source bench/perplexity.ts --write-gguf pocket.gguf
    python bench/ggml_types.py package/bins/linux-x64 pocket.gguf out/

Every matrix whose rows are whole blocks gets the type, embedding and output projection included; the others stay F32, as do vectors.
`plain-q8` and `plain-q4` are what `weights: 'q8'` and `'q4'` would be with plain rounding: all matrices, ragged rows too, with
embedding and output projection at 8 bits, as F32 numbers. Types that want to know which inputs matter are told that all do.
"""

import ctypes
import sys
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Type, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize

TYPES = ("F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS IQ3_S IQ3_XXS IQ2_S IQ2_XS IQ2_XXS "
         "IQ1_M IQ1_S TQ1_0 TQ2_0 MXFP4").split()
ENDS = ("token_embd.weight", "output.weight")


class Ggml:
    def __init__(self, folder):
        self.lib = ctypes.CDLL(str(folder / "libggml-base.so"))
        self.lib.ggml_quantize_chunk.restype = ctypes.c_size_t
        self.lib.ggml_quantize_chunk.argtypes = [
            ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]

    def quantize(self, values, type):
        rows, cols = values.shape
        elements, size = GGML_QUANT_SIZES[type]
        out = np.zeros((rows, cols // elements * size), dtype=np.uint8)
        importance = np.ones(cols, dtype=np.float32)
        # Float types come out the same for any importance, and are not told.
        told = importance.ctypes.data if elements > 1 else None
        written = self.lib.ggml_quantize_chunk(int(type), values.ctypes.data, out.ctypes.data, 0, rows, cols, told)
        assert written == out.size, (type, written, out.size)
        return out


def copy_metadata(reader, writer):
    skip = {"GGUF.version", "GGUF.tensor_count", "GGUF.kv_count", "general.architecture", "general.file_type"}
    for name, field in reader.fields.items():
        if name in skip:
            continue
        kind = field.types[0]
        writer.add_key_value(name, field.contents(), kind, field.types[-1] if kind == GGUFValueType.ARRAY else None)


def plainly(ggml, values, type):
    """What the rounded blocks stand for; rows are padded with zeros to whole ones."""
    cols = values.shape[1]
    padded = np.pad(values, ((0, 0), (0, -cols % GGML_QUANT_SIZES[type][0])))
    return np.ascontiguousarray(dequantize(ggml.quantize(padded, type), type)[:, :cols].astype(np.float32))


def write(ggml, source, path, type, ends, as_numbers=False):
    reader = GGUFReader(source)
    writer = GGUFWriter(path, reader.fields["general.architecture"].contents())
    copy_metadata(reader, writer)
    kept = 0
    for tensor in reader.tensors:
        values = np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
        wanted = ends if tensor.name in ENDS else type
        if values.ndim == 2 and as_numbers:
            writer.add_tensor(tensor.name, plainly(ggml, values, wanted))
        elif values.ndim == 2 and values.shape[1] % GGML_QUANT_SIZES[wanted][0] == 0 and wanted != Type.F32:
            writer.add_tensor(tensor.name, ggml.quantize(values, wanted), raw_dtype=wanted)
        else:
            kept += values.ndim == 2 and wanted != Type.F32
            writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return kept, len(reader.tensors)


def main(library, source, out):
    ggml = Ggml(library)
    out.mkdir(parents=True, exist_ok=True)
    for name, type in (("plain-q8", Type.Q8_0), ("plain-q4", Type.Q4_0)):
        write(ggml, source, out / f"{name}.gguf", type, Type.Q8_0, as_numbers=True)
    for name, type in ((name.lower(), Type[name]) for name in TYPES):
        path = out / f"{name}.gguf"
        kept, matrices = write(ggml, source, path, type, type)
        if kept and not any(tensor.tensor_type == type for tensor in GGUFReader(path).tensors):
            path.unlink()
            print(f"{name}: no matrix has whole blocks")
        else:
            print(f"{name}: {path.stat().st_size} bytes, {kept} of {matrices} tensors stay F32 for their rows")


if __name__ == "__main__":
    main(*(Path(arg) for arg in sys.argv[1:]))
