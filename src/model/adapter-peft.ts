/** Opens adapters as Hugging Face's PEFT saves them: `adapter_config.json` and `adapter_model.safetensors`. */
import { CheckpointError } from '../errors.ts'
import { readJson } from '../formats/byte-reader.ts'
import { openSafetensors } from '../formats/safetensors.ts'
import { missing, type SourceFiles } from '../formats/source.ts'
import type { TensorFile } from '../formats/tensor-file.ts'
import { type Half, Halves } from './adapter-halves.ts'
import type { AdaptedMatrix, AdapterFile, LowRank } from './adapter-weights.ts'
import { HF_LAYER } from './checkpoint-hf.ts'
import type { ModelConfig } from './config.ts'
import { asObject } from './hf-classes.ts'
import { imageTensorsNote } from './hf-wrapper.ts'
import { type PeftConfig, parsePeftConfig } from './peft-config.ts'
import type { LayerMatrix } from './shapes.ts'

const MAX_CONFIG_BYTES = 4 * 1024 * 1024
const CONFIG = 'adapter_config.json'
const WEIGHTS = 'adapter_model.safetensors'

const MATRICES: ReadonlyMap<string, LayerMatrix> = new Map(
  (['wq', 'wk', 'wv', 'wo', 'w1', 'w2', 'w3'] as const).map((matrix) => [HF_LAYER[matrix], matrix]),
)

/**
 * @returns undefined when there is no `adapter_config.json`
 * @throws CheckpointError, ConfigError, AbortError
 */
export async function openPeftAdapter(
  files: SourceFiles,
  config: ModelConfig,
  signal?: AbortSignal,
): Promise<AdapterFile | undefined> {
  const reader = await files.open(CONFIG, signal)
  if (reader === undefined) return undefined
  const peft = parsePeftConfig(asObject(CONFIG, await readJson(reader, MAX_CONFIG_BYTES, signal)))
  const file = files.fileName?.endsWith('.safetensors') === true ? files.fileName : WEIGHTS
  const weights = await files.open(file, signal)
  if (weights === undefined) throw await noWeights(files, file, signal)
  const container = await openSafetensors(weights, signal)
  const halves = new Halves(file, container, config)
  halves.collect((tensor) => halfOf(file, tensor, peft))
  const matrices = halves.join((_, rank, a) => {
    const module = moduleOf(a.name)
    const ranks = peft.ranksOf(module)
    // PEFT 0.21.0 sorts the keys of rank_pattern when it saves, so that the one trained with may stand behind another that fits.
    if (!ranks.includes(rank)) {
      const fact = `has the rank ${rank}, ${CONFIG} says ${ranks[0]}`
      throw new CheckpointError({ file, tensor: a.name }, fact)
    }
    return peft.scaleOf(module, rank)
  })
  refuseMissing(file, peft, config, matrices)
  const notes = [...notesOf(file, peft, container), ...alphaNotes(peft, matrices)]
  return { container, matrices, ropePairing: 'half', base: peft.base, notes }
}

async function noWeights(files: SourceFiles, name: string, signal: AbortSignal | undefined): Promise<CheckpointError> {
  const pickle = 'adapter_model.bin'
  const isThere = (await files.open(pickle, signal).catch(() => undefined)) !== undefined
  const instead = `is missing from ${files.label}; ${pickle} is a pickle, which is not read: save it as safetensors`
  return missing(files, name, isThere ? instead : `is missing from ${files.label}`)
}

/** What a tensor is. Those of the base model that PEFT saves beside an adapter of the output change nothing. */
function halfOf(file: string, tensor: string, peft: PeftConfig): Half | undefined {
  const refuse = (fact: string) => new CheckpointError({ file, tensor }, fact)
  const name = bare(tensor)
  if (imageTensorsNote(file, [name]) !== undefined) return undefined
  if (/\.lora_embedding_[AB]$/.test(name)) throw refuse('adapters of the token embeddings are not supported')
  if (/\.lora_magnitude_vector/.test(name)) throw refuse('belongs to DoRA, which is not supported')
  if (/\.lora_B\.bias$/.test(name)) throw refuse('biases of an adapter (lora_bias) are not supported')
  if (/\.base_layer\.weight$/.test(name)) return undefined
  const [, module, half] = /^(.*)\.lora_([AB])\.weight$/.exec(name) ?? []
  if (module === undefined)
    throw refuse('is no matrix of an adapter: trained weights of the model itself must be merged')
  const matrix = matrixOf(module)
  if (matrix === undefined) throw refuse('belongs to a module that the model does not have')
  if (peft.targets(module) === false) throw refuse(`is not among the target_modules of ${CONFIG}`)
  return { matrix, half: half === 'A' ? 'a' : 'b' }
}

/** The names of a text model, and of one inside a model of text and images, as transformers 4 and 5 call it. */
function matrixOf(module: string): AdaptedMatrix | undefined {
  if (/^(?:language_model\.)?lm_head$/.test(module)) return 'output'
  const inner = module.replace(/^(?:model\.language_model\.|language_model\.model\.|language_model\.|model\.)/, '')
  const [, layer, stem = ''] = /^layers\.(\d+)\.(.*)$/.exec(inner) ?? []
  const matrix = MATRICES.get(stem)
  return matrix && `layers.${Number(layer)}.${matrix}`
}

function bare(tensor: string): string {
  return tensor.replace(/^base_model\.model\./, '')
}

/** The whole name of the module that a tensor belongs to. */
function moduleOf(tensor: string): string {
  return bare(tensor).replace(/\.lora_[AB]\.weight$/, '')
}

/** PEFT makes an update for each target; one that the file lacks would count as zero without a word. */
function refuseMissing(
  file: string,
  peft: PeftConfig,
  { nLayers }: ModelConfig,
  matrices: ReadonlyMap<AdaptedMatrix, LowRank>,
): void {
  // Modules have the names of the model that was trained, which may be a text model inside of another.
  const names = [...matrices.values()].map(({ a }) => moduleOf(a.name))
  const prefix = /^(.*?)layers\./.exec(names.find((name) => name.includes('layers.')) ?? '')?.[1] ?? 'model.'
  for (let layer = 0; layer < nLayers; layer++) {
    for (const weight of MATRICES.values()) {
      const matrix: AdaptedMatrix = `layers.${layer}.${weight}`
      const module = `${prefix}layers.${layer}.${HF_LAYER[weight]}`
      if (matrices.has(matrix) || peft.targets(module) !== true) continue
      throw missingModule(file, module)
    }
  }
  const head = prefix.startsWith('language_model.') ? 'language_model.lm_head' : 'lm_head'
  if (!matrices.has('output') && peft.targets(head) === true) throw missingModule(file, head)
}

function missingModule(file: string, module: string): CheckpointError {
  const tensor = `base_model.model.${module}.lora_A.weight`
  return new CheckpointError({ file, tensor }, `is missing, though the target_modules of ${CONFIG} name it`)
}

function notesOf(file: string, { notes }: PeftConfig, { tensors }: TensorFile): string[] {
  const copies = [...tensors.keys()].filter((name) => name.endsWith('.base_layer.weight'))
  const images = imageTensorsNote(file, [...tensors.keys()].map(bare))
  return [
    ...notes,
    ...copies.map((name) => `${name} is a copy of the model's own weight and was not read`),
    ...(images === undefined ? [] : [images]),
  ]
}

/** Which key of alpha_pattern counted in training is lost when PEFT 0.21.0 saves them sorted; PEFT itself then loads with the first. */
function alphaNotes(peft: PeftConfig, matrices: ReadonlyMap<AdaptedMatrix, LowRank>): string[] {
  const modules = [...matrices.values()].map(({ a }) => moduleOf(a.name))
  const unclear = modules.filter((module) => new Set(peft.alphasOf(module)).size > 1)
  const [some] = unclear
  if (some === undefined) return []
  const [first, ...others] = new Set(peft.alphasOf(some))
  const which = unclear.length === 1 ? some : `${some} and others`
  const fact = `several keys of alpha_pattern fit ${which}, and PEFT sorts them when it saves`
  return [`${CONFIG}: ${fact}; the first counts, as PEFT loads it: ${first}, not ${others.join(' or ')}`]
}
