/** Keeps lines that native code writes away from standard error, without a way into that code. Linux only. */
import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync, type Stats, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isatty } from 'node:tty'

const STDERR = 2

/**
 * Runs `run` and leaves out what is written to standard error meanwhile, as far as it matches; the rest is written
 * afterwards. For programs, not for libraries: the file descriptor is closed and opened again, so nothing else may open
 * files at that time. `run` must do its work before it returns. Where standard error cannot be opened again (a socket,
 * a file that standard output goes to as well), nothing is left out.
 */
export function withoutLines<T>(noise: RegExp, run: () => T): T {
  const original = process.platform === 'linux' ? reopened() : undefined
  if (original === undefined) return run()
  const path = join(tmpdir(), `mistral-webgpu-stderr-${process.pid}`)
  let captured = ''
  try {
    const capture = openSync(path, 'wx', 0o600)
    try {
      replaceStderr(capture, constants.O_WRONLY | constants.O_APPEND)
      try {
        return run()
      } finally {
        replaceStderr(original.fd, original.flags)
        captured = readFileSync(path, 'utf8')
      }
    } finally {
      closeSync(capture)
      rmSync(path)
    }
  } finally {
    closeSync(original.fd)
    const rest = captured.split(/(?<=\n)/).filter((line) => !noise.test(line))
    if (rest.length > 0) writeSync(STDERR, rest.join(''))
  }
}

/** Another way to where standard error goes, and the flags with which it opens. */
function reopened(): { fd: number; flags: number } | undefined {
  try {
    const flags = flagsFor(fstatSync(STDERR), fstatSync(1))
    // The lowest free descriptor must be that of standard error once it is closed.
    fstatSync(0)
    if (flags === undefined) return undefined
    // A pipe without a reader would be waited for.
    const fd = openSync(`/proc/self/fd/${STDERR}`, flags | constants.O_NONBLOCK)
    return { fd, flags }
  } catch {
    return undefined
  }
}

function flagsFor(stderr: Stats, stdout: Stats): number | undefined {
  if (isatty(STDERR)) return constants.O_RDWR | constants.O_NOCTTY
  if (stderr.isFIFO()) return constants.O_WRONLY
  // Opened apart, two writers of one file would write over each other.
  const shared = stderr.dev === stdout.dev && stderr.ino === stdout.ino
  return stderr.isFile() && !shared ? constants.O_WRONLY | constants.O_APPEND : undefined
}

/** The lowest free descriptor is the next to be given out. */
function replaceStderr(by: number, flags: number): void {
  closeSync(STDERR)
  const fd = openSync(`/proc/self/fd/${by}`, flags)
  if (fd !== STDERR) throw new Error(`standard error became descriptor ${fd}`)
}
