/** What the kernels of the sampler share that are loaded for some requests: those that draw, or change scores. */
import { part, type ShaderPart } from '../gpu/shader.ts'
import { samplerMath } from '../gpu/shaders-math.gen.ts'
import { settingsPart } from './sampler.ts'

/** The shader parts of these kernels, besides their own. */
export function math(): ShaderPart[] {
  return [part(samplerMath, { bindings: {}, constants: {} }), settingsPart()]
}
