/** Profiles as a file that trace viewers open: Chrome's trace event format, which Perfetto and chrome://tracing read. */
import type { BatchProfile } from './profiler.ts'

const PROCESS = 1
const BATCHES = 1
const KERNELS = 2

/** The text of a trace file. Times are in microseconds, as the format has them. */
export function chromeTrace(profiles: readonly BatchProfile[], name = 'GPU'): string {
  const title = (what: string, tid: number, text: string) => ({
    ph: 'M',
    pid: PROCESS,
    tid,
    name: what,
    args: { name: text },
  })
  const events: object[] = [
    title('process_name', 0, name),
    title('thread_name', BATCHES, 'batches'),
    title('thread_name', KERNELS, 'kernels'),
  ]
  for (const [i, { kernels, untimed }] of profiles.entries()) {
    const first = kernels[0]
    const last = kernels.at(-1)
    if (first === undefined || last === undefined) continue
    const args = { dispatches: kernels.length + untimed, untimed }
    events.push(event(`batch ${i}`, BATCHES, first.start, last.start + last.ms - first.start, args))
    for (const { label, kernel, workgroups, start, ms } of kernels) {
      events.push(event(label, KERNELS, start, ms, { kernel, workgroups: workgroups.join(' x ') }))
    }
  }
  return JSON.stringify({ displayTimeUnit: 'ms', traceEvents: events })
}

function event(name: string, tid: number, startMs: number, ms: number, args: object): object {
  return { ph: 'X', pid: PROCESS, tid, name, ts: startMs * 1000, dur: Math.max(0, ms) * 1000, args }
}
