import type { Buffer } from './device.ts'

/** A file of `shaders/` as the generator writes it: a kernel, or a part that fills a role in kernels. */
export interface ShaderModule {
  readonly name: string
  readonly provides?: string
  readonly needs: readonly string[]
  readonly enables: readonly string[]
  readonly bindings: Readonly<Record<string, { readonly binding: number; readonly access: 'read' | 'read_write' }>>
  readonly constants: Readonly<Record<string, 'required' | 'optional'>>
  readonly code: string
}

type RequiredNames<C> = { [Name in keyof C]: C[Name] extends 'required' ? Name : never }[keyof C]

/** What one module wants: a buffer for each of its bindings, a number for each constant without a default. */
export interface ShaderUse<M extends ShaderModule> {
  bindings: { readonly [Name in keyof M['bindings']]: Buffer }
  constants: { readonly [Name in RequiredNames<M['constants']>]: number } & {
    readonly [Name in keyof M['constants']]?: number | boolean
  }
}

/** A module with its buffers and constants; several make a dispatch. */
export interface ShaderPart {
  readonly module: ShaderModule
  readonly bindings: Readonly<Record<string, Buffer>>
  readonly constants: Readonly<Record<string, number | boolean>>
}

/** Checked by `tsc` against the bindings and constants of the WGSL. */
export function part<M extends ShaderModule>(module: M, use: ShaderUse<M>): ShaderPart {
  return { module, bindings: use.bindings, constants: use.constants as Record<string, number | boolean> }
}

/** The whole WGSL module that the parts make together. Throws when a role is missing or filled twice. */
export function compose(modules: readonly ShaderModule[]): string {
  const provided = modules.flatMap((module) => module.provides ?? [])
  for (const module of modules) {
    for (const role of module.needs) {
      if (provided.filter((name) => name === role).length !== 1) {
        throw new Error(`${module.name} needs one "${role}", got ${modules.map((other) => other.name).join(' + ')}`)
      }
    }
  }
  const enables = [...new Set(modules.flatMap((module) => module.enables))].map((name) => `enable ${name};\n`)
  return enables.join('') + modules.map((module) => module.code).join('\n')
}
