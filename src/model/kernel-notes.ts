/** What was found out about a device is kept on the user's machine: for each adapter, driver and version of this library. */
import pkg from '../../package.json' with { type: 'json' }
import type { Gpu } from '../gpu/device.ts'
import type { MatmulVariant, RowsMatmul, Tuning } from '../gpu/tuning.ts'
import { BATCH_MATMULS } from '../kernels/batch-matmuls.ts'
import { GPU_MATMULS } from '../kernels/gpu-matmuls.ts'
import { matmuls } from '../kernels/linear.ts'
import type { Notes } from '../platform/types.ts'
import type { TuningResult } from './autotune.ts'

/** What came of a self-test. */
export interface TestedKernels {
  /** Names of the layouts that it tried. */
  readonly layouts: readonly string[]
  /** What is different without what erred. */
  readonly tuning: Partial<Tuning>
  /** The same in words. */
  readonly off: readonly string[]
}

/** What is kept of one device. */
export interface DeviceNotes {
  readonly selfTest?: TestedKernels | undefined
  readonly tuning?: TuningResult | undefined
  /** The same from kernels that round nothing. */
  readonly exact?: TuningResult | undefined
}

const NAME = 'kernels'
/** Devices that are remembered; the one that was written longest ago goes first. */
const MOST_DEVICES = 8

/** The notes on one device. */
export class KernelNotes {
  private readonly key: string

  constructor(
    gpu: Gpu,
    private readonly notes: Notes | undefined,
  ) {
    this.key = fingerprint(gpu, notes?.runtime ?? '')
  }

  async read(): Promise<DeviceNotes> {
    const { selfTest, tuning, exact } = (await this.readAll())[this.key] ?? {}
    return { selfTest: validTest(selfTest), tuning: validResult(tuning), exact: validResult(exact) }
  }

  /** Adds to what is kept. */
  async write(change: DeviceNotes): Promise<void> {
    if (this.notes === undefined) return
    const { [this.key]: before, ...others } = await this.readAll()
    const kept = Object.entries(others).slice(1 - MOST_DEVICES)
    const all = { ...Object.fromEntries(kept), [this.key]: { ...before, ...change } }
    await this.notes.write(NAME, JSON.stringify(all))
  }

  /** A file that was cut, or changed by hand, is as good as none. */
  private async readAll(): Promise<Record<string, DeviceNotes | undefined>> {
    try {
      const all: unknown = JSON.parse((await this.notes?.read(NAME)) ?? '{}')
      return isRecord(all) ? (all as Record<string, DeviceNotes>) : {}
    } catch {
      return {}
    }
  }
}

/** Adapter, driver as far as it is shown, runtime, features, and the version of this library. */
function fingerprint(gpu: Gpu, runtime: string): string {
  const { vendor, architecture, device, description } = gpu.adapterInfo
  const parts = [pkg.version, runtime, vendor, architecture, device, description, ...[...gpu.features].sort()]
  return [...parts, `${gpu.tuning.subgroupLanes} lanes`].join('|')
}

function validTest(value: unknown): TestedKernels | undefined {
  if (!isRecord(value)) return undefined
  const { layouts, tuning, off } = value
  const valid = Array.isArray(layouts) && Array.isArray(off) && isRecord(tuning)
  return valid && namesExist(tuning.matmul ?? {}) ? (value as unknown as TestedKernels) : undefined
}

function validResult(value: unknown): TuningResult | undefined {
  if (!isRecord(value) || !isRecord(value.measured) || !Array.isArray(value.failed)) return undefined
  return namesExist(value.choices) ? (value as unknown as TuningResult) : undefined
}

/** Whether the values are kernels of this version. */
export function namesExist(choices: unknown): boolean {
  return isRecord(choices) && Object.values(choices).every((name) => isMatmul(name))
}

/** By their names alone: the table itself would bring shaders along that no GPU has a use for. */
const ROWS_NAMES: Readonly<Record<RowsMatmul, true>> = { rows1: true, rows4: true, rows8: true, rows16: true }

export function isMatmul(name: unknown): name is MatmulVariant {
  const tables = [BATCH_MATMULS, GPU_MATMULS, ROWS_NAMES]
  return matmuls.has(name as MatmulVariant) || tables.some((table) => Object.hasOwn(table, String(name)))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
