/** Node: whether other programs want the cores. */
import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { cpuUsage } from 'node:process'

/** What others take of all cores from which on they are crowded. */
const SHARE = 0.4
/** The same by programs that want a core, where the system does not say what its cores do. */
const PROGRAMS = 2
/** The cores are looked at over so long. */
const WINDOW_MS = 250
/** Who computes asks every few milliseconds. What others did while nobody asked for so long says nothing of now. */
const PAUSE_MS = 100
/** Linux counts in hundredths of a second, whatever its own clock. */
const TICK_MS = 10

/** Milliseconds of all cores together since some time before. */
export interface CoreTime {
  readonly all: number
  /** Of which they did nothing. */
  readonly idle: number
  /** Of which this process had so much. */
  readonly own: number
}

/** How things are by what was seen last, while we computed: a mean over minutes, as the system's load is, would count what has long ended. */
export class Crowd {
  private before: CoreTime | undefined
  private began = Number.NEGATIVE_INFINITY
  private asked = Number.NEGATIVE_INFINITY
  private crowded = false

  /** @param now milliseconds */
  constructor(
    private readonly now = () => performance.now(),
    private readonly coreTime = readCoreTime,
  ) {}

  isCrowded(): boolean {
    const now = this.now()
    const hasPaused = now - this.asked > PAUSE_MS
    this.asked = now
    if (!hasPaused && now - this.began < WINDOW_MS) return this.crowded
    const { before } = this
    this.before = this.coreTime()
    this.began = now
    if (this.before === undefined) this.crowded = isLoaded()
    else if (before !== undefined && !hasPaused) this.crowded = othersShare(before, this.before) > SHARE
    return this.crowded
  }
}

/** What other programs had of the cores between two times. */
export function othersShare(before: CoreTime, after: CoreTime): number {
  const all = after.all - before.all
  if (all <= 0) return 0
  return (all - (after.idle - before.idle) - (after.own - before.own)) / all
}

/** @param stat `/proc/stat`, of which the first line adds up all cores */
export function coresOf(stat: string): Omit<CoreTime, 'own'> | undefined {
  // user, nice, system, idle, waiting for disks, interrupts of two kinds, taken by other machines; guests are counted among users
  const [, numbers = ''] = /^cpu +(\d[\d ]*)/.exec(stat) ?? []
  const ticks = numbers.split(' ').slice(0, 8).map(Number)
  if (ticks.length < 5) return undefined
  return { all: ticks.reduce((sum, one) => sum + one, 0) * TICK_MS, idle: (ticks[3]! + ticks[4]!) * TICK_MS }
}

function readCoreTime(): CoreTime | undefined {
  try {
    const cores = coresOf(readFileSync('/proc/stat', 'latin1'))
    const { user, system } = cpuUsage()
    return cores && { ...cores, own: (user + system) / 1000 }
  } catch {
    return undefined
  }
}

function isLoaded(): boolean {
  return loadavg()[0]! > PROGRAMS * availableParallelism()
}
