/** Rotary settings of a config.json: `rope_parameters` of transformers 5, `rope_theta` and `rope_scaling` of 4. */
import { shortened, show } from '../errors/show.ts'
import { ConfigError } from '../errors.ts'
import { type ModelConfig, numberAbove, ropeReader } from './config.ts'
import { asObject, type Fields, type Note } from './hf-classes.ts'
import type { RopeScaling } from './rope.ts'
import { ROPE_SCALINGS } from './rope-scalings.ts'

/** @throws ConfigError naming the field */
export function parseHfRope(
  fields: Fields,
  maxPositions: number,
  scalesQueries: boolean,
  note: Note,
): Pick<ModelConfig, 'ropeTheta' | 'ropeScaling' | 'queryScale'> {
  // transformers 5 writes `rope_parameters`; 4 wrote `rope_theta` and, when not plain, `rope_scaling`, which wins there
  // unless it is empty.
  const isGiven = fields.rope_scaling != null && !isEmpty(fields.rope_scaling)
  const field = isGiven ? 'rope_scaling' : 'rope_parameters'
  const rope = flatRope(field, fields[field] == null ? {} : asObject(field, fields[field]))
  const [thetaField, theta] =
    rope.rope_theta === undefined
      ? ['rope_theta', fields.rope_theta === undefined ? 10_000 : fields.rope_theta]
      : [`${field}.rope_theta`, rope.rope_theta]
  const ropeScaling = parseScaling(field, rope, fields, maxPositions)
  checkPartial(field, rope, fields, ropeScaling, note)
  if (isGiven)
    tellLost(fields.rope_parameters, { ...rope, rope_type: rope.rope_type ?? rope.type, rope_theta: theta }, note)
  return {
    ropeTheta: numberAbove(thetaField, theta, 0, 1e15),
    ropeScaling,
    queryScale: scalesQueries ? parseQueryScale(field, rope, fields, maxPositions) : undefined,
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** An old field that was left behind, however empty it looks, can cost a model its scaling and its base. */
function tellLost(parameters: unknown, kept: Fields, note: Note): void {
  if (typeof parameters !== 'object' || parameters === null) return
  const lost = Object.entries(parameters).filter(([key, value]) => show(value) !== show(kept[key]))
  if (lost.length === 0) return
  const names = lost.map(([key]) => key).join(', ')
  note(
    shortened(
      `config.json: rope_scaling takes the place of rope_parameters, so that ${names} there means nothing`,
      300,
    ),
  )
}

/** One set of parameters for the model; a set per layer type is accepted where all say the same. */
function flatRope(field: string, rope: Fields): Fields {
  const nested = Object.entries(rope).filter(([, value]) => typeof value === 'object' && value !== null)
  const perLayer = nested.filter(([key]) => key.endsWith('_attention'))
  if (perLayer.length === 0) return rope
  const [first, ...others] = perLayer.map(([key, value]) => asObject(`${field}.${key}`, value))
  const flat = first as Fields
  const keys = new Set([flat, ...others].flatMap((set) => Object.keys(set)))
  for (const other of others) {
    for (const key of keys) {
      if (flat[key] !== other[key]) {
        throw new ConfigError(field, rope, `differs between layer types in ${key}, which is not supported`)
      }
    }
  }
  return flat
}

/** The length before scaling may stand beside the parameters, and wins there. */
function readerOf(field: string, rope: Fields, fields: Fields, maxPositions: number) {
  const isOutside = (name: string) => name === 'original_max_position_embeddings' && fields[name] != null
  return ropeReader(
    (name) => (isOutside(name) ? name : `${field}.${name}`),
    (name) => (isOutside(name) ? fields[name] : rope[name]),
    maxPositions,
  )
}

function parseScaling(field: string, rope: Fields, fields: Fields, maxPositions: number): RopeScaling | undefined {
  const typeField = `${field}.${rope.rope_type === undefined && rope.type !== undefined ? 'type' : 'rope_type'}`
  const type = rope.rope_type ?? rope.type ?? 'default'
  if (type === 'default') return undefined
  if (typeof type !== 'string' || !Object.hasOwn(ROPE_SCALINGS, type)) {
    const known = ['default', ...Object.keys(ROPE_SCALINGS)].join(', ')
    throw new ConfigError(typeField, type, `is not supported; ${known} are`)
  }
  return ROPE_SCALINGS[type as RopeScaling['type']].fromHf(readerOf(field, rope, fields, maxPositions))
}

/** Plain RoPE of these classes turns the whole head whatever the config says; transformers fails for the scaled kinds. */
function checkPartial(field: string, rope: Fields, fields: Fields, scaling: RopeScaling | undefined, note: Note): void {
  const inside = rope.partial_rotary_factor !== undefined
  const name = inside ? `${field}.partial_rotary_factor` : 'partial_rotary_factor'
  const partial = inside ? rope.partial_rotary_factor : fields.partial_rotary_factor
  if (partial == null || partial === 1) return
  if (scaling !== undefined) throw new ConfigError(name, partial, 'is not supported; 1 is')
  note(`config.json: ${name} (${show(partial)}) means nothing in this kind of model and is ignored`)
}

function parseQueryScale(field: string, rope: Fields, fields: Fields, maxPositions: number): ModelConfig['queryScale'] {
  const read = readerOf(field, rope, fields, maxPositions)
  const beta = read.number('llama_4_scaling_beta', 0)
  if (beta === 0) return undefined
  return { beta, length: read.positions('original_max_position_embeddings', maxPositions) }
}
