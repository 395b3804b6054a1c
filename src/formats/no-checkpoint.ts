/** Says why a source holds nothing that can be loaded, and what to do instead. It is loaded when that is to be said. */
import { CheckpointError } from '../errors.ts'
import { readJson } from './byte-reader.ts'
import { fileKind, KIND_BYTES } from './file-kind.ts'
import { ggufsByContent, modelGgufs, otherGgufs } from './find-gguf.ts'
import { foreignFact } from './foreign-files.ts'
import type { SourceFiles } from './source.ts'

const PICKLES = 'PyTorch pickles are not supported, for they can run code; convert them to safetensors'
const OTHER_ENGINE = (engine: string) =>
  `the folder holds a model for ${engine}; take the *.safetensors with config.json, or a .gguf, of the same model`

/** Files that tell which kind of checkpoint lies there. They are asked for by name, since servers list nothing. */
const HINTS: readonly (readonly [name: string, fact: string])[] = [
  ['consolidated.safetensors', "is of Mistral's own layout and needs the params.json of the same repository beside it"],
  [
    'params.json',
    "is of Mistral's own layout and needs consolidated.safetensors, or its index and shards, of the same repository",
  ],
  ['pytorch_model.bin', PICKLES],
  ['pytorch_model.bin.index.json', PICKLES],
  ['consolidated.00.pth', PICKLES],
  ['mlc-chat-config.json', OTHER_ENGINE('MLC and WebLLM')],
  ['openvino_model.xml', OTHER_ENGINE('OpenVINO')],
  ['model.onnx', OTHER_ENGINE('ONNX Runtime')],
  ['tf_model.h5', OTHER_ENGINE('TensorFlow')],
  ['flax_model.msgpack', OTHER_ENGINE('Flax')],
]

/** The error for a file that was named and is neither safetensors nor a GGUF; undefined when it is not there. */
export async function foreignFile(
  files: SourceFiles,
  name: string,
  signal?: AbortSignal,
): Promise<CheckpointError | undefined> {
  const reader = await files.open(name, signal)
  if (reader === undefined) return undefined
  const head = await reader.read(0, Math.min(reader.size, KIND_BYTES), signal)
  const kind = fileKind(head, reader.size)
  const fact =
    foreignFact(kind, name) ?? 'is no checkpoint; pass a .gguf, or a folder with config.json and *.safetensors'
  return new CheckpointError({ file: name }, kind === 'safetensors' ? 'must be called *.safetensors' : fact)
}

/** The error for a source without a GGUF, or without the weights that `config.json` belongs to. */
export async function noCheckpoint(files: SourceFiles, signal?: AbortSignal): Promise<CheckpointError> {
  const adapter = await adapterFact(files, signal)
  if (adapter !== undefined) return new CheckpointError({ file: 'adapter_config.json' }, adapter)
  for (const [name, fact] of HINTS) {
    if ((await files.open(name, signal)) !== undefined) return new CheckpointError({ file: name }, fact)
  }
  const foreign = await foreignAmongNames(files, signal)
  if (foreign !== undefined) return foreign
  const advice = await files.advice?.()
  const hasConfig = (await files.open('config.json', signal)) !== undefined
  const wanted = hasConfig ? ['model.safetensors', 'model.safetensors.index.json'] : ['config.json', 'model.gguf']
  for (const name of wanted) {
    const why = files.whyAbsent?.(name)
    if (why !== undefined) return new CheckpointError({ file: name }, withAdvice(why, advice))
  }
  return new CheckpointError({ file: files.label }, withAdvice(nothingFact(files, hasConfig), advice))
}

function nothingFact(files: SourceFiles, hasConfig: boolean): string {
  if (hasConfig) return 'has a config.json, but neither model.safetensors nor model.safetensors.index.json'
  if (files.fileName !== undefined) return 'has no config.json beside it; pass the whole folder'
  if (files.names?.some((name) => /\.safetensors$/i.test(name))) {
    return 'has weights, but no config.json, which says how to use them; fetch it from where they came from'
  }
  return 'holds no checkpoint: config.json with model.safetensors, or a .gguf file, is needed'
}

function withAdvice(fact: string, advice: string | undefined): string {
  return advice === undefined ? fact : `${fact}; ${advice}`
}

async function foreignAmongNames(files: SourceFiles, signal?: AbortSignal): Promise<CheckpointError | undefined> {
  const names = files.fileName === undefined ? (files.names ?? []) : []
  const named = modelGgufs(names)
  const ggufs = named.length > 0 ? named : await ggufsByContent(names, (name) => files.open(name, signal), signal)
  const at = { file: files.label }
  if (ggufs.length > 1) {
    const list = `${ggufs.slice(0, 5).join(', ')}${ggufs.length > 5 ? ', …' : ''}`
    return new CheckpointError(at, `holds ${ggufs.length} GGUF files (${list}); name one`)
  }
  const [projector] = otherGgufs(names)
  if (projector !== undefined) {
    const fact = 'belongs to a language model and is none itself; the .gguf of the model is missing from the folder'
    return new CheckpointError({ file: projector }, fact)
  }
  for (const name of names) {
    const fact = foreignFact(undefined, name)
    if (fact !== undefined) return new CheckpointError({ file: name }, fact)
  }
  return undefined
}

/** An adapter holds what was changed of a model, and not the model. */
async function adapterFact(files: SourceFiles, signal?: AbortSignal): Promise<string | undefined> {
  const reader = await files.open('adapter_config.json', signal)
  if (reader === undefined) return undefined
  const config = (await readJson(reader, 1024 * 1024, signal)) as { base_model_name_or_path?: unknown } | null
  const base = config?.base_model_name_or_path
  const model = typeof base === 'string' ? `its base model ${base.slice(0, 200)}` : 'its base model'
  return `is an adapter (LoRA), not a model: load ${model} and this with loadAdapter (--adapter), or merge it`
}

/** What a tensor's absence means when its weights were quantized by a method that stores them under other names. */
export function quantizedFact(has: (name: string) => boolean, tensor: string): string | undefined {
  const stem = tensor.replace(/\.weight$/, '')
  const methods: readonly (readonly [suffix: string, method: string])[] = [
    ['.qweight', 'GPTQ or AWQ'],
    ['.weight.absmax', 'bitsandbytes'],
    ['.trellis', 'EXL3'],
    ['.q_weight', 'EXL2'],
    ['.scales', 'MLX'],
    ['.weight_packed', 'compressed-tensors'],
    ['.weight_scale', 'FP8'],
    ['.weight_scale_inv', 'FP8'],
  ]
  const method = methods.find(([suffix]) => has(`${stem}${suffix}`))?.[1]
  if (method === undefined) return undefined
  if (/GPTQ|compressed|FP8/.test(method)) {
    return `its weights were quantized by ${method}, but config.json has no quantization_config that says so`
  }
  return (
    `its weights were quantized by ${method}, which is not supported; take the original weights` +
    " (weights: 'q4' quantizes them while they load), or a GGUF of type Q8_0 or Q4_0"
  )
}
