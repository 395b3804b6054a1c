import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { constsOf, readShader } from '../../shaders/contract.ts'
import { bindingsOf, compose, part, type ShaderModule, type ShaderPart } from '../../src/gpu/shader.ts'
import { emitRopeCache, emitStore } from '../../src/gpu/shaders.gen.ts'
import { attention, tileMaxWorkgroup } from '../../src/gpu/shaders-attention.gen.ts'
import { cacheReadF16, cacheReadF32 } from '../../src/gpu/shaders-cache.gen.ts'
import { requiredConstants } from '../support/shaders.ts'

const KERNEL = `// needs: weights, emit
// What it computes.
enable f16;

override N: u32; // outputs
override LANES: u32 = 32u;
override HALF: u32 = LANES / 2u;

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T, D]
@group(0) @binding(9) var<storage, read_write> y: array<f32>; // [T, N]

var<workgroup> partial: array<vec4f, LANES>;

@compute @workgroup_size(LANES)
fn main() {
  var sum = 0.0; // a local is no binding
}
`

describe('a shader file', () => {
  test('becomes its bindings, constants, roles and code', () => {
    const { code, ...facts } = readShader('op_f32_variant.wgsl', KERNEL)
    expect(facts).toEqual({
      name: 'op_f32_variant',
      needs: ['weights', 'emit'],
      enables: ['f16'],
      bindings: { x: { binding: 0, access: 'read' }, y: { binding: 9, access: 'read_write' } },
      constants: { N: 'required', LANES: 'optional', HALF: 'optional' },
    })
    expect(code).not.toMatch(/\/\/|enable|^\s|\n\n/m)
    expect(code).toContain('fn main(){\nvar sum=0.0;\n}')
  })

  test('of a part says which role it fills', () => {
    const part = readShader('emit_x.wgsl', '// provides: emit\nfn emit(row: u32, col: u32, a: f32, b: f32) {}\n')
    expect(part).toMatchObject({ provides: 'emit', needs: [], bindings: {} })
  })

  test('gives its literal constants as numbers, and no others', () => {
    const source = [
      'const A = 32u;',
      'const B = 0xffffffffu; // all bits',
      'const C = -1e30;',
      'const D = 0x3f;',
      'const E: f32 = 1.5f;',
      'const F = 9.3132257e-10;',
      'const G = A * 2u;',
      'override H: u32 = 7u;',
      '  const I = 1u;',
    ]
    expect(constsOf(source.join('\n'))).toEqual({ A: 32, B: 2 ** 32 - 1, C: -1e30, D: 63, E: 1.5, F: 9.3132257e-10 })
  })

  const replaced = (from: string, to: string) => () => {
    const source = KERNEL.replace(from, to)
    expect(source).not.toBe(KERNEL)
    return readShader('op.wgsl', source)
  }
  const broken: Record<string, [() => unknown, string]> = {
    'a name in camel case': [() => readShader('opF32.wgsl', KERNEL), 'snake case'],
    'another ending': [() => readShader('op.glsl', KERNEL), 'op_dtype_variant.wgsl'],
    'an unknown role': [replaced('needs: weights', 'needs: wieghts'), 'unknown role "wieghts"'],
    'no entry point': [replaced('@compute', '@vertex'), 'this has 0'],
    'two entry points': [() => readShader('op.wgsl', `${KERNEL}${KERNEL.slice(KERNEL.indexOf('@compute'))}`), 'has 2'],
    'a part with an entry point': [
      replaced('// needs: weights, emit', '// provides: emit'),
      'a part has no entry point',
    ],
    'another group': [replaced('@group(0) @binding(0)', '@group(1) @binding(0)'), '@group(0) @binding(N)'],
    'a binding without a shape': [replaced(' // [T, N]', ''), '[shape]'],
    'a shape that is prose': [replaced('// [T, N]', '// outputs'), '[shape]'],
    'a uniform with an access': [replaced('var<storage, read> x', 'var<uniform, read> x'), 'var<storage, ACCESS>'],
    'an unnamed access': [replaced('var<storage, read> x', 'var<storage> x'), 'var<storage, ACCESS>'],
    'a binding on two lines': [replaced('@binding(0) var', '@binding(0)\nvar'), 'var<storage, ACCESS>'],
    'a binding number taken twice': [replaced('@binding(9)', '@binding(0)'), 'binding 0 is taken twice'],
  }
  test.each(Object.entries(broken))('is refused for %s', (_, [read, why]) => {
    expect(read).toThrow(why)
    expect(read).toThrow(/^shaders\/\w+\.\w+: /)
  })
})

test('a buffer or constant that is missing or misspelt fails tsc', () => {
  const buffer = undefined as never
  const constants = { HEAD_STRIDE: 4, ROPE_FINE: 1 }
  const bindings = { y: buffer, rope: buffer, rows: buffer, cache: buffer }
  // @ts-expect-error: it has other bindings
  part(emitRopeCache, { bindings, constants })
  // @ts-expect-error: and other constants
  part(cacheReadF32, { bindings: { cache: buffer }, constants: { VALUES_AT: 1, RING: 1 } })
  // @ts-expect-error: none is given
  part(cacheReadF32, { bindings: {}, constants: {} })
  expect(part(cacheReadF32, { bindings: { cache: buffer }, constants: { VALUES_AT: 1 } }).module).toBe(cacheReadF32)
})

test('the bindings are read in the code as the contract has them', () => {
  const declarations = ['var<storage, read> x', 'var<storage, read_write> x', 'var<uniform> x']
  for (const declaration of declarations) {
    const shader = readShader('op.wgsl', KERNEL.replaceAll(declarations[0]!, declaration))
    const types = { read: 'read-only-storage', read_write: 'storage', uniform: 'uniform' } as const
    const type = (access: keyof typeof types) => types[access]
    const declared = Object.entries(shader.bindings)
    expect(bindingsOf(shader).map(({ floats: _, ...facts }) => facts)).toEqual(
      declared.map(([name, { binding, access }]) => ({ name, binding, type: type(access) })),
    )
  }
})

describe('composition', () => {
  const use = (module: ShaderModule, constants: Record<string, number> = {}): ShaderPart => {
    const required = requiredConstants(module)
    return {
      module,
      bindings: {},
      constants: { ...Object.fromEntries(required.map((name) => [name, 4])), ...constants },
    }
  }

  const maximum = use(tileMaxWorkgroup)

  test('puts extensions first, each once', () => {
    const wgsl = compose([
      use({ ...attention, enables: ['subgroups', 'f16'] }),
      use({ ...cacheReadF32, enables: ['f16'] }),
      maximum,
    ])
    expect(wgsl.startsWith('enable subgroups;\nenable f16;\n')).toBe(true)
    expect(wgsl.match(/enable/g)).toHaveLength(2)
  })

  test('fixes the constants', () => {
    const wgsl = compose([use(attention, { SCALE: 0.25, KEYS: 32 }), use(cacheReadF32), maximum])
    expect(wgsl).not.toContain('override')
    expect(wgsl).toContain('const SCALE:f32=0.25;')
    expect(wgsl).toContain('const KEYS:u32=32;')
    expect(wgsl).toContain('const ROWS:u32=1u;')
  })

  test('refuses a constant that is missing, unknown or no number', () => {
    const bare: ShaderPart = { module: attention, bindings: {}, constants: {} }
    expect(() => compose([bare, use(cacheReadF32), maximum])).toThrow('attention needs the constant HEAD_DIM')
    expect(() => compose([use(attention, { RINGS: 3 }), use(cacheReadF32), maximum])).toThrow(
      'attention has no constant RINGS',
    )
    expect(() => compose([use(attention, { RING: NaN }), use(cacheReadF32), maximum])).toThrow('attention: RING is NaN')
  })

  test('refuses a role that is missing, filled twice, or filled for nobody', () => {
    expect(() => compose([use(attention)])).toThrow('attention needs one "cache_read", got attention')
    expect(() => compose([use(attention), use(cacheReadF16), use(cacheReadF32)])).toThrow('needs one "cache_read"')
    expect(() => compose([use(emitRopeCache), use(emitStore)])).toThrow('emit_rope_cache needs one "cache_write"')
    expect(() => compose([use(attention), use(cacheReadF16), maximum, use(emitStore)])).toThrow(
      'attention has no use for emit_store',
    )
  })
})

test('src/gpu/shaders.gen.ts is what the shaders make now', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  expect(() =>
    execFileSync(process.execPath, ['--import', 'tsx', 'shaders/embed.ts', '--check'], { cwd: root }),
  ).not.toThrow()
})
