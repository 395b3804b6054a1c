/**
 * The binding contract of README.md as a function from a WGSL file to the facts that TypeScript needs. Declarations are
 * one to a line, so a few patterns read them; whether a file is valid WGSL is for the driver to say, in the tests.
 */

export interface ShaderFile {
  /** File name without `.wgsl`. */
  readonly name: string
  /** The role that a part file plays: `weights`, `block`, `rows`, `share`, `groups`, `unpack`, `scale`, `start`, `emit`, `lane_sum`, `cache_read`, `cache_pairs`, `tile_max`, `cache_write`, `sampler_settings`, `sampler_math`, `draw_rules`, `draw_bins`, `round_words`, `quants`, `tile`, `tile_emit`. Absent for kernels. */
  readonly provides?: string
  /** Roles that must be filled to make the file whole. */
  readonly needs: readonly string[]
  /** WGSL extensions. */
  readonly enables: readonly string[]
  readonly bindings: Readonly<
    Record<string, { readonly binding: number; readonly access: 'read' | 'read_write' | 'uniform' }>
  >
  /** Override constants: `required` ones have no default. */
  readonly constants: Readonly<Record<string, 'required' | 'optional'>>
  readonly code: string
}

/**
 * The module-scope `const`s of a shader that are literal numbers, by name: what a shader and TypeScript both need to know
 * stands in the shader alone.
 */
export function constsOf(source: string): Record<string, number> {
  const consts: Record<string, number> = {}
  for (const [, name = '', literal = ''] of source.matchAll(/^const (\w+)(?:: \w+)? = ([^;]+);/gm)) {
    // In a hexadecimal number, f is a digit.
    const value = Number(literal.replace(literal.startsWith('0x') ? /[ui]$/ : /[uif]$/, ''))
    if (!Number.isNaN(value)) consts[name] = value
  }
  return consts
}

const roles = new Set([
  'weights',
  'halves',
  'block',
  'rows',
  'products',
  'share',
  'groups',
  'unpack',
  'scale',
  'start',
  'emit',
  'lane_sum',
  'cache_read',
  'cache_pairs',
  'tile_max',
  'cache_write',
  'sampler_settings',
  'sampler_math',
  'draw_rules',
  'draw_bins',
  'round_words',
  'quants',
  'tile',
  'tile_emit',
])

/** Throws an `Error` that names the file and the broken rule. */
export function readShader(fileName: string, source: string): ShaderFile {
  const refuse = (why: string): never => {
    throw new Error(`shaders/${fileName}: ${why}`)
  }
  if (!/^[a-z0-9]+(_[a-z0-9]+)*\.wgsl$/.test(fileName)) refuse('the name must be op_dtype_variant.wgsl in snake case')
  const provides = /^\/\/ provides: (\w+)$/m.exec(source)?.[1]
  const needs = /^\/\/ needs: ([\w, ]+)$/m.exec(source)?.[1]?.split(', ') ?? []
  for (const role of [...needs, ...(provides === undefined ? [] : [provides])]) {
    if (!roles.has(role)) refuse(`unknown role "${role}"`)
  }
  const enables = [...source.matchAll(/^enable (\w+);$/gm)].map((match) => match[1] ?? '')
  const entries = source.match(/^@compute /gm)?.length ?? 0
  if (provides === undefined && entries !== 1) refuse(`a kernel has one compute entry point, this has ${entries}`)
  if (provides !== undefined && entries !== 0) refuse('a part has no entry point')

  const bindings: Record<string, { binding: number; access: 'read' | 'read_write' | 'uniform' }> = {}
  for (const line of source.split('\n').filter((text) => /\bvar<(?!workgroup>|private>)/.test(text))) {
    const match =
      /^@group\(0\) @binding\((\d+)\) var<(?:storage, (read|read_write)|uniform)> (\w+): .*; \/\/ \[.+\]/.exec(line)
    if (match === null) {
      return refuse(
        `"${line}" is not "@group(0) @binding(N) var<storage, ACCESS> name: type; // [shape]", nor one of a uniform`,
      )
    }
    const binding = Number(match[1])
    if (Object.values(bindings).some((other) => other.binding === binding)) refuse(`binding ${binding} is taken twice`)
    bindings[match[3] ?? ''] = { binding, access: (match[2] as 'read' | 'read_write' | undefined) ?? 'uniform' }
  }

  const constants: Record<string, 'required' | 'optional'> = {}
  for (const match of source.matchAll(/^override (\w+)(?:: \w+)?( =)?/gm)) {
    constants[match[1] ?? ''] = match[2] === undefined ? 'required' : 'optional'
  }
  const name = fileName.replace('.wgsl', '')
  const rest = { needs, enables, bindings, constants, code: compact(source) }
  return provides === undefined ? { name, ...rest } : { name, provides, ...rest }
}

/** Without comments, `enable` lines, empty lines, and the white space that separates nothing. Lines stay lines. */
function compact(source: string): string {
  return source
    .replace(/\/\/.*$/gm, '')
    .replace(/^enable .*$/gm, '')
    .split('\n')
    .map(withoutSpaces)
    .filter((line) => line !== '')
    .join('\n')
}

/** Between two operators a space stays: `a - -b` is not `a--b`, nor `array<u32> = x` what begins with `>=`. */
function withoutSpaces(line: string): string {
  return line
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/ ?([(){}[\],;:]) ?/g, '$1')
    .replace(/(?<=[\w.)\]]) (?=[-+*/%&|^<>=!])/g, '')
    .replace(/(?<=[-+*/%&|^<>=!]) (?=[\w(])/g, '')
}
