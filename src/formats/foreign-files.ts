/** Says what to do with files that hold no checkpoint of ours: archives, pickles, other engines' formats. */
import type { FileKind } from './file-kind.ts'

const UNPACK = 'unpack it and pass the folder'
const PICKLE =
  'is a PyTorch pickle, which can run code and is not read; take the *.safetensors of the same model, or convert it'
const OTHER_ENGINE = (what: string) =>
  `is a model for ${what}; take the *.safetensors with config.json, or a .gguf, of the same model`

const BY_KIND: Readonly<Partial<Record<FileKind, string>>> = {
  empty: 'is empty (0 bytes): its download or its copy did not finish',
  zip: `is a zip archive; ${UNPACK}`,
  gzip: 'is compressed with gzip; unpack it (gunzip, or tar -xzf) and pass what comes out',
  zstd: 'is compressed with zstd; unpack it (unzstd) and pass what comes out',
  xz: 'is compressed with xz; unpack it (unxz) and pass what comes out',
  bzip2: 'is compressed with bzip2; unpack it (bunzip2) and pass what comes out',
  '7z': `is a 7z archive; ${UNPACK}`,
  tar: `is a tar archive; ${UNPACK}`,
  pickle: PICKLE,
  hdf5: OTHER_ENGINE('Keras (HDF5)'),
  tflite: OTHER_ENGINE('LiteRT (TensorFlow Lite)'),
  ggml: 'is a GGML file from before GGUF; download the model again as .gguf, or convert it with llama.cpp',
  executable: 'is a program; a llamafile holds a .gguf, which unzip takes out of it',
}

/** PyTorch writes zip archives under these names. */
const PICKLE_NAME = /\.(?:bin|pt|pth|ckpt)$/i

const ARCHIVE_NAME = /\.(?:zip|7z|rar|tar|tgz|(?:tar\.)?(?:gz|xz|bz2|zst))$/i

const BY_NAME: readonly (readonly [name: RegExp, fact: string])[] = [
  [
    /\.(?:part|partial|incomplete|crdownload|download|aria2|tmp)$/i,
    'is a download that did not finish; download it again',
  ],
  [/\.onnx(?:_data)?$/i, OTHER_ENGINE('ONNX Runtime')],
  [/\.(?:mlpackage|mlmodel|mlmodelc)$/i, OTHER_ENGINE('Core ML')],
  [/\.(?:litertlm|task)$/i, OTHER_ENGINE('LiteRT and MediaPipe')],
  [/\.(?:engine|plan)$/i, OTHER_ENGINE('TensorRT')],
  [/\.msgpack$/i, OTHER_ENGINE('Flax')],
  [/\.nemo$/i, OTHER_ENGINE('NeMo')],
  [/\.(?:mlx|npz)$/i, OTHER_ENGINE('MLX')],
  [/\.exe$/i, BY_KIND.executable!],
]

/** What a file is by its content, or else by its name, and what to do instead; undefined when that is not known. */
export function foreignFact(kind: FileKind | undefined, name: string): string | undefined {
  const byName = BY_NAME.find(([pattern]) => pattern.test(name))?.[1]
  if (byName !== undefined) return byName
  if (PICKLE_NAME.test(name) && (kind === 'zip' || kind === 'pickle' || kind === undefined)) return PICKLE
  const byKind = kind === undefined ? undefined : BY_KIND[kind]
  return byKind ?? (ARCHIVE_NAME.test(name) ? `is an archive; ${UNPACK}` : undefined)
}
