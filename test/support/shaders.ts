/** Facts about shaders that only tests ask for. */
import type { ShaderModule } from '../../src/gpu/shader.ts'

/** The constants that a module must be given. */
export function requiredConstants({ code }: ShaderModule): string[] {
  return Array.from(code.matchAll(/^override (\w+)(?::\w+)?;/gm), ([, name]) => name!)
}
