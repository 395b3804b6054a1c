/** Shader files with their buffers and constants, and the WGSL module that several of them make together. */
import type { Buffer } from './buffer.ts'

/** A file of `shaders/` as the generator writes it: a kernel, or a part that fills a role in kernels. */
export interface ShaderModule {
  readonly name: string
  readonly provides?: string
  readonly needs?: readonly string[]
  readonly enables?: readonly string[]
  readonly code: string
}

/**
 * A module with the names of its buffers, of the constants that it must be given, and of those that it may be given. They
 * are for `tsc` alone: a running program reads them in the code.
 */
export interface TypedShader<B extends string, Required extends string = never, Optional extends string = never>
  extends ShaderModule {
  readonly names?: { readonly bindings: B; readonly required: Required; readonly optional: Optional }
}

/** What one module wants: a buffer for each of its bindings, a number for each constant without a default. */
export interface ShaderUse<B extends string, Required extends string, Optional extends string> {
  bindings: Readonly<Record<B, Buffer>>
  constants: Readonly<Record<Required, number>> & { readonly [Name in Optional | Required]?: number | boolean }
}

/** A module with its buffers and constants; several make a dispatch. */
export interface ShaderPart {
  readonly module: ShaderModule
  readonly bindings: Readonly<Record<string, Buffer>>
  readonly constants: Readonly<Record<string, number | boolean>>
  /** What it binds of buffers, by the names of bindings; others are bound whole. */
  readonly slices?: Readonly<Record<string, Slice>>
}

/** A part of a buffer, in bytes; up to its end where no size is given. */
export interface Slice {
  readonly offset: number
  readonly size?: number
}

/** Checked by `tsc` against the bindings and constants of the WGSL. */
export function part<B extends string, Required extends string, Optional extends string>(
  module: TypedShader<B, Required, Optional>,
  use: ShaderUse<NoInfer<B>, NoInfer<Required>, NoInfer<Optional>>,
): ShaderPart {
  return { module, bindings: use.bindings, constants: use.constants as Record<string, number | boolean> }
}

export type BindingType = 'read-only-storage' | 'storage' | 'uniform'

/** A buffer that a module declares. */
export interface ShaderBinding {
  readonly name: string
  readonly binding: number
  readonly type: BindingType
  /** Whether its elements are f32, in vectors or alone. */
  readonly floats: boolean
}

/** A declaration of a buffer, in the form that `shaders/README.md` lays down. */
const DECLARATION = /@binding\((\d+)\) ?var<(?:storage, ?)?(\w+)> ?(\w+)( ?: ?array<\w+)?/g

/** Hundreds of dispatches take the same few modules. */
const declared = new WeakMap<ShaderModule, readonly ShaderBinding[]>()

/** The buffers that the code of a module declares. */
export function bindingsOf(module: ShaderModule): readonly ShaderBinding[] {
  const known = declared.get(module)
  if (known) return known
  const found = Array.from(
    module.code.matchAll(DECLARATION),
    ([, binding, access, name, array = '']): ShaderBinding => ({
      name: name!,
      binding: Number(binding),
      type: access === 'uniform' ? access : access === 'read' ? 'read-only-storage' : 'storage',
      floats: /<(f32|vec[234]f)$/.test(array),
    }),
  )
  declared.set(module, found)
  return found
}

/** The part with its buffers at other bindings, where what it reads may be bound for writing too. */
export function withBindings(
  part: ShaderPart,
  place: (name: string) => Pick<ShaderBinding, 'binding' | 'type'>,
): ShaderPart {
  const code = part.module.code.replace(DECLARATION, (_, _binding, _access, name: string, array = '') => {
    const { binding, type } = place(name)
    return `@binding(${binding}) var<storage,${type === 'storage' ? 'read_write' : 'read'}>${name}${array}`
  })
  return { ...part, module: { ...part.module, code } }
}

/**
 * The whole WGSL module that the parts make together, their overrides fixed. Throws when a role is missing, filled twice,
 * or filled for nobody, or when a constant is missing or unknown.
 */
export function compose(parts: readonly ShaderPart[]): string {
  const modules = parts.map((part) => part.module)
  const provided = modules.flatMap((module) => module.provides ?? [])
  for (const module of modules) {
    for (const role of module.needs ?? []) {
      if (provided.filter((name) => name === role).length !== 1) {
        throw new Error(`${module.name} needs one "${role}", got ${modules.map((other) => other.name).join(' + ')}`)
      }
    }
    if (module.provides !== undefined && !modules.some(({ needs }) => needs?.includes(module.provides!))) {
      throw new Error(`${modules[0]!.name} has no use for ${module.name}`)
    }
  }
  const enables = [...new Set(modules.flatMap((module) => module.enables ?? []))].map((name) => `enable ${name};\n`)
  return enables.join('') + parts.map(fixConstants).join('\n')
}

/**
 * The part's code with every `override` as a `const`. The files say `override`, which makes them valid as they stand; but
 * naga, the compiler of Firefox and Deno, panics on workgroup arrays whose size is an override, and no compiler unrolls
 * or folds less for a constant.
 */
function fixConstants({ module, constants }: ShaderPart): string {
  const open = new Set(Object.keys(constants))
  const code = module.code.replace(
    /^override (\w+)(:\w+)?(=[^;]+)?;/gm,
    (_, name: string, type: string | undefined, initial: string | undefined) => {
      open.delete(name)
      const value = constants[name]
      if (value === undefined && initial === undefined) throw new Error(`${module.name} needs the constant ${name}`)
      if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${module.name}: ${name} is ${value}`)
      return `const ${name}${type ?? ''}${value === undefined ? initial : `=${value}`};`
    },
  )
  if (open.size > 0) throw new Error(`${module.name} has no constant ${[...open].join(', ')}`)
  return code
}
