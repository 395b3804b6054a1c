/**
 * Which of the models in one repository is loaded. The rule: what the name picks; else, of files that are one model in several
 * types, the first type of {@link PREFERENCE} whose bytes fit the device, or the smallest where none fits; else the caller is asked.
 */
import { bytes } from '../../errors/units.ts'
import { CheckpointError, ChoiceError, type ModelChoice } from '../../errors.ts'
import { isGguf } from '../file-names.ts'
import type { HubFile } from './api.ts'

/** The model that was chosen. */
export interface Chosen {
  /** The folder inside the repository in which it lies, with a slash at its end; empty for the outermost. */
  readonly folder: string
  /** The file to load, where it is one file and not the folder's safetensors. */
  readonly fileName: string | undefined
  /** Why, for people; undefined where there was nothing to choose. */
  readonly reason: string | undefined
}

/**
 * From the best down: types of four bits and a little more lose hardly anything and are the fastest, since an answer takes as long
 * as reading the weights; then what is smaller, and at last what is larger than a model needs.
 */
const PREFERENCE = (
  'Q4_K_M Q4_K_L UD-Q4_K_XL Q4_K Q4_K_S Q4_1 Q4_0 IQ4_NL IQ4_XS MXFP4 Q5_K_M Q5_K_L Q5_K Q5_K_S Q5_1 Q5_0 Q6_K Q6_K_L Q8_0 Q8_K ' +
  'safetensors Q3_K_L Q3_K_M Q3_K Q3_K_S IQ3_M IQ3_S IQ3_XS IQ3_XXS Q2_K_L Q2_K Q2_K_S IQ2_M IQ2_S IQ2_XS IQ2_XXS TQ2_0 TQ1_0 ' +
  'IQ1_M IQ1_S BF16 F16 F32'
).split(' ')
const TYPE = /(?:^|[-._/])((?:UD-)?(?:I?Q\d\w*|TQ\d_\d|BF16|FP?16|F32|FP32|MXFP4\w*))(?=[-._/]|$)/gi
const PART = /-(\d{5})-of-(\d{5})\.gguf$/i
/** Parts of a model that are no language model by themselves. */
const NO_MODEL = /(?:^|[^a-z])(?:mmproj|imatrix)(?:[^a-z]|$)/i

interface Form {
  readonly name: string
  readonly folder: string
  readonly fileName: string | undefined
  readonly type: string | undefined
  /** The name without its type: forms of one model share it. */
  readonly stem: string
  readonly bytes: number
}

/**
 * @param pick what the name says behind its colon: a file, a folder or a type
 * @param fitBytes what fits the device
 * @throws ChoiceError when the repository does not say which one is meant, or has none of that kind; CheckpointError when it
 *   holds no model
 */
export function chooseForm(
  label: string,
  files: readonly HubFile[],
  pick: string | undefined,
  fitBytes: number,
): Chosen {
  if (pick !== undefined && files.some(({ path }) => path === pick)) return fileOf(pick, undefined)
  // What Ollama's users put behind a name that means no type.
  if (pick?.toLowerCase() === 'latest') return chooseForm(label, files, undefined, fitBytes)
  const inside = pick === undefined ? '' : `${pick.replace(/\/+$/, '')}/`
  const isFolder = inside !== '' && files.some(({ path }) => path.startsWith(inside))
  const forms = formsOf(isFolder ? files.filter(({ path }) => path.startsWith(inside)) : files, isFolder ? inside : '')
  const wanted = pick === undefined || isFolder ? forms : picked(forms, pick)
  if (wanted.length === 0) throw nothing(label, forms, files, pick)
  const [only, ...others] = wanted
  if (only !== undefined && others.length === 0) return chosen(only, undefined)
  const stems = new Set(wanted.filter(({ stem }) => stem !== '').map(({ stem }) => stem))
  const isUnclear = stems.size > 1 || wanted.some(({ type }) => type === undefined)
  if (isUnclear) throw new ChoiceError(label, `holds several models; name one: ${listed(wanted)}`, choicesOf(wanted))
  const ranked = [...wanted].sort((a, b) => rank(a) - rank(b) || a.bytes - b.bytes)
  const best = ranked.find(({ bytes }) => bytes <= fitBytes)
  const smallest = [...wanted].sort((a, b) => a.bytes - b.bytes)[0]!
  const why = best === undefined ? 'the smallest, for none fits' : 'the first in order of preference that fits'
  const fits = `${why} (${bytes(fitBytes)} for weights)`
  return chosen(best ?? smallest, `${fits}; there are ${listed(wanted)}`)
}

function chosen({ folder, fileName, name, bytes: size }: Form, why: string | undefined): Chosen {
  return { folder, fileName, reason: why === undefined ? undefined : `${name} (${bytes(size)}): ${why}` }
}

function fileOf(path: string, reason: string | undefined): Chosen {
  const cut = path.lastIndexOf('/') + 1
  return { folder: path.slice(0, cut), fileName: path.slice(cut), reason }
}

type SizedPath = Pick<HubFile, 'path' | 'size'>

function formsOf(files: readonly SizedPath[], top: string): Form[] {
  const ggufs = files.filter(({ path }) => isGguf(path) && !NO_MODEL.test(path))
  const forms: Form[] = []
  for (const { path, size } of ggufs) {
    const part = PART.exec(path)
    if (part !== null && Number(part[1]) !== 1) continue
    const start = part === null ? path : path.slice(0, part.index)
    const bytes = part === null ? size : partsOf(ggufs, path).reduce((sum, other) => sum + other.size, 0)
    forms.push({ ...fileOf(path, undefined), name: path, ...typeAndStem(start), bytes })
  }
  const folder = safetensorsFolder(files, top)
  return folder === undefined ? forms : [...forms, folder]
}

/** The weights that lie beside a config; of the Hub's layout where Mistral's own lies there as well. Else an adapter. */
function safetensorsFolder(files: readonly SizedPath[], top: string): Form | undefined {
  const here = files.filter(({ path }) => path.startsWith(top) && !path.slice(top.length).includes('/'))
  const has = (name: string) => here.some(({ path }) => path === top + name)
  const isHf = has('config.json') && here.some(({ path }) => /^model.*\.safetensors$/.test(path.slice(top.length)))
  const isNative = !isHf && has('params.json')
  const pattern = isHf
    ? /^model.*\.safetensors$/
    : isNative
      ? /^consolidated.*\.safetensors$/
      : /^adapter_model\.safetensors$/
  const weights = here.filter(({ path }) => pattern.test(path.slice(top.length)))
  if (weights.length === 0 || !(isHf || isNative || has('adapter_config.json'))) return undefined
  const bytes = weights.reduce((sum, { size }) => sum + size, 0)
  const type = 'safetensors'
  return { name: top === '' ? type : top, folder: top, fileName: undefined, type, stem: '', bytes }
}

/** `Ministral-3-3B-Q4_K_M` is of type `Q4_K_M`; the last that a name has counts. */
function typeAndStem(path: string): Pick<Form, 'type' | 'stem'> {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.gguf$/i, '')
  const inName = [...name.matchAll(TYPE)].at(-1)?.[1]
  const inFolder = [...path.matchAll(TYPE)].at(-1)?.[1]
  const type = inName ?? inFolder
  const stem = inName === undefined ? name : name.replace(inName, '').replace(/[-._]+$/, '')
  return { type: type?.toUpperCase().replace(/^FP/, 'F'), stem: stem.toLowerCase() || 'model' }
}

/** What is of a type or has a name, or else what has one that ends in the pick: `Q4_K_XL` is `UD-Q4_K_XL`, and `fp16` is F16. */
function picked(forms: readonly Form[], pick: string): Form[] {
  const exact = forms.filter((form) => isOfType(form, pick))
  if (exact.length > 0) return exact
  const end = pick.replace(/\.gguf$/i, '').toUpperCase()
  const start = ({ name }: Form) =>
    name
      .replace(PART, '')
      .replace(/\.gguf$/i, '')
      .toUpperCase()
  return forms.filter((form) => ['-', '.', '/'].some((separator) => start(form).endsWith(separator + end)))
}

/** By its type, or its name with or without folders, number of the part and ending. */
function isOfType({ type, name }: Form, pick: string): boolean {
  const wanted = pick.toUpperCase()
  const names = [name, name.slice(name.lastIndexOf('/') + 1)].flatMap((one) => [one, one.replace(PART, '.gguf')])
  return type === wanted || names.some((one) => [wanted, `${wanted}.GGUF`].includes(one.toUpperCase()))
}

/** The paths of what a pick means, for those who take them away: a file, a folder, or all parts of what is of a type. */
export function pathsOfPick(files: readonly SizedPath[], pick: string): string[] {
  const inFolder = files.filter(({ path }) => path === pick || path.startsWith(`${pick.replace(/\/+$/, '')}/`))
  if (inFolder.length > 0) return inFolder.map(({ path }) => path)
  const forms = picked(formsOf(files, ''), pick).filter(({ fileName }) => fileName !== undefined)
  return forms.flatMap(({ name }) => partsOf(files, name).map(({ path }) => path))
}

/** All parts of a split GGUF by its first, or the one file. */
function partsOf<F extends { readonly path: string }>(files: readonly F[], first: string): F[] {
  const part = PART.exec(first)
  if (part === null) return files.filter(({ path }) => path === first)
  return files.filter(({ path }) => path.startsWith(`${first.slice(0, part.index)}-`) && PART.test(path))
}

/** A type that is not listed stands with the one that it is a variant of: `UD-Q5_K_XL` with `Q5_K`. */
function rank({ type = '' }: Form): number {
  const plain = type.replace(/^UD-/, '')
  const variants = [type, plain, plain.replace(/_X+L$/, ''), plain.replace(/_\w+$/, '')]
  const at = variants.map((variant) => PREFERENCE.indexOf(variant)).find((place) => place >= 0)
  return at ?? PREFERENCE.length
}

function nothing(label: string, forms: readonly Form[], files: readonly HubFile[], pick: string | undefined) {
  if (pick !== undefined && forms.length > 0) {
    return new ChoiceError(label, `has no ${pick}; there are ${listed(forms)}`, choicesOf(forms))
  }
  if (pick !== undefined) return new CheckpointError({ file: label }, `has no file, folder or type ${pick}`)
  const inside = folderForms(files)
  if (inside.length > 0) {
    return new ChoiceError(label, `holds models in folders; name one: ${listed(inside)}`, choicesOf(inside))
  }
  const names = files.map(({ path }) => path)
  const pickle = names.some((name) => /\.(?:bin|pt|pth)$/.test(name))
  const what = pickle ? 'holds PyTorch pickles only, which can run code and are not read' : 'holds no checkpoint'
  const some = names.slice(0, 8).join(', ')
  return new CheckpointError({ file: label }, `${what}: no .gguf, and no safetensors with a config (it has ${some})`)
}

/** The safetensors inside folders, which are called by these. */
function folderForms(files: readonly HubFile[]): Form[] {
  const folders = new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf('/') + 1)))
  const forms = [...folders].map((folder) => safetensorsFolder(files, folder)).filter((form) => form !== undefined)
  return forms.map((form) => ({ ...form, name: form.folder.replace(/\/$/, '') }))
}

function choicesOf(forms: readonly Form[]): ModelChoice[] {
  return forms.map(({ name, bytes }) => ({ name, bytes }))
}

function listed(forms: readonly Form[]): string {
  const texts = forms.slice(0, 12).map(({ name, bytes: size }) => `${name} (${bytes(size)})`)
  return `${texts.join(', ')}${forms.length > 12 ? `, and ${forms.length - 12} more` : ''}`
}
