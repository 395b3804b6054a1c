/** Which bind group each dispatch of a recording takes, and where its buffers are in there. */
import type { Buffer } from './buffer.ts'
import { type BindingType, bindingsOf, type ShaderPart, type Slice, withBindings } from './shader.ts'

/** What every WebGPU device lets a compute shader bind. */
const MOST_BUFFERS = 8

/** A place of a bind group. */
export interface GroupEntry {
  readonly binding: number
  readonly buffer: Buffer
  readonly type: BindingType
  /** Whether its elements are f32, in vectors or alone. */
  readonly floats: boolean
  /** The part of the buffer that is bound, where that is not all of it. */
  readonly slice?: Slice | undefined
}

/** Neighbouring dispatches, and the one bind group that they are encoded with. */
export interface GroupPlan {
  readonly entries: readonly GroupEntry[]
  /** The parts of each dispatch, their bindings numbered as in the bind group. */
  readonly dispatches: (readonly ShaderPart[])[]
  /** Once it was made. */
  group?: GPUBindGroup
}

/** A bind group for each dispatch, with the bindings that the shader files give them. */
export function ownGroups(requests: readonly (readonly ShaderPart[])[]): GroupPlan[] {
  return requests.map((parts) => ({ entries: entriesOf(parts), dispatches: [parts] }))
}

/**
 * One bind group for as many neighbours as bind no more than eight buffers together: setting a bind group costs a runtime
 * as much as a dispatch. A buffer of floats that one of them writes is bound for writing in all. One of integers is not: what
 * is read from a buffer that may be written is not uniform to WGSL, and no barrier may depend on it.
 */
export function sharedGroups(requests: readonly (readonly ShaderPart[])[]): GroupPlan[] {
  const runs: { readonly plans: GroupPlan[]; buffers: ReadonlySet<Buffer>; readonly open: boolean }[] = []
  for (const plan of ownGroups(requests)) {
    const buffers = new Set(plan.entries.map(({ buffer }) => buffer))
    // A dispatch that binds a buffer twice is by itself: what one binding reads another must not write.
    const open = buffers.size === plan.entries.length
    const last = runs.at(-1)
    const both = new Set([...(last?.buffers ?? []), ...buffers])
    if (last?.open && open && both.size <= MOST_BUFFERS && agree([...last.plans, plan])) {
      last.plans.push(plan)
      last.buffers = both
    } else runs.push({ plans: [plan], buffers, open })
  }
  return runs.map(({ plans }) => joined(plans))
}

/** Whether each buffer of integers is read in all of them, or written in all. */
function agree(plans: readonly GroupPlan[]): boolean {
  const types = new Map<Buffer, BindingType>()
  return plans
    .flatMap(({ entries }) => entries)
    .filter(({ floats }) => !floats)
    .every(({ buffer, type }) => {
      const known = types.get(buffer) ?? type
      types.set(buffer, known)
      return known === type
    })
}

function joined(plans: readonly GroupPlan[]): GroupPlan {
  if (plans.length === 1) return plans[0]!
  const places = new Map<Buffer, GroupEntry>()
  for (const { buffer, type, floats } of plans.flatMap(({ entries }) => entries)) {
    const known = places.get(buffer)
    const written = type === 'storage' || known?.type === 'storage'
    const binding = known?.binding ?? places.size
    places.set(buffer, { binding, buffer, floats, type: written ? 'storage' : type })
  }
  const placed = (part: ShaderPart) => withBindings(part, (name) => places.get(part.bindings[name]!)!)
  const dispatches = plans.flatMap((plan) => plan.dispatches).map((parts) => parts.map(placed))
  return { entries: [...places.values()], dispatches }
}

function entriesOf(parts: readonly ShaderPart[]): GroupEntry[] {
  return parts.flatMap(({ module, bindings, slices }) =>
    bindingsOf(module).map(({ name, ...binding }) => ({ ...binding, buffer: bindings[name]!, slice: slices?.[name] })),
  )
}
