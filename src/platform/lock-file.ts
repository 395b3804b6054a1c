/**
 * A lock between processes: a file that only one of them can make. Node has no `flock`, so that a process that died leaves its
 * lock behind; others see that its number is gone, or that the file has not been touched for a while, and take it away.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rm, rmdir, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'

const TOUCH_MS = 5000
/** An owner on another machine, or one that was suspended, counts as gone after this time. */
const STALE_MS = 60_000
/** Taking a lock away takes far less. */
const STEAL_MS = 10_000

export interface LockFile {
  /** False when somebody took the lock away, which happens to a process that stood still for long. */
  isHeld(): Promise<boolean>
  release(): Promise<void>
}

interface Owner {
  readonly pid: number
  readonly host: string
  readonly mark: string
}

/** The lock, or undefined while somebody else has it. */
export async function tryLock(path: string): Promise<LockFile | undefined> {
  await mkdir(dirname(path), { recursive: true })
  const mark = randomBytes(8).toString('hex')
  if (!(await create(path, mark))) {
    if (!(await isStale(path))) return undefined
    await takeAway(path)
    if (!(await create(path, mark))) return undefined
  }
  const timer = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, TOUCH_MS)
  timer.unref?.()
  const isHeld = async () => (await ownerOf(path))?.mark === mark
  return {
    isHeld,
    async release() {
      clearInterval(timer)
      if (await isHeld()) await rm(path, { force: true })
    },
  }
}

async function create(path: string, mark: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx')
    try {
      await handle.writeFile(JSON.stringify({ pid: process.pid, host: hostname(), mark }))
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST') return false
    throw error
  }
}

async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner
  } catch {
    return undefined
  }
}

async function isStale(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return true
  const age = Date.now() - found.mtimeMs
  if (age > STALE_MS) return true
  const owner = await ownerOf(path)
  // The owner makes the file first and writes its number then.
  if (owner === undefined) return age > STEAL_MS
  return owner.host === hostname() && !isAlive(owner.pid)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}

/** Removes a stale lock. Only one process at a time looks and removes, or it might remove the lock of the next owner. */
async function takeAway(path: string): Promise<void> {
  const steal = `${path}.steal`
  try {
    await mkdir(steal)
  } catch {
    const found = await stat(steal).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > STEAL_MS) await rmdir(steal).catch(() => {})
    return
  }
  try {
    if (await isStale(path)) await rm(path, { force: true })
  } finally {
    await rmdir(steal).catch(() => {})
  }
}
