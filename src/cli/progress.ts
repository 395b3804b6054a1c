/** The bar that shows how a model loads. */
import cliProgress from 'cli-progress'
import { bytes } from '../errors/units.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import { type Cli, colorsFor } from './context.ts'

export interface ProgressBar {
  update(progress: LoadProgress): void
  /** Takes the bar off the screen. */
  stop(): void
}

/** Shows how a model loads, on a terminal only: a pipe or a log file gets nothing. */
export function progressBar(cli: Cli): ProgressBar {
  const { err, env } = cli.terminal
  if (!err.isTTY || env.TERM === 'dumb') return { update() {}, stop() {} }
  const colors = colorsFor(cli, 'err')
  const bar = new cliProgress.SingleBar({
    stream: err.stream,
    // The library's own exit handler would end the process by force.
    gracefulExit: false,
    clearOnComplete: true,
    hideCursor: true,
    fps: 20,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    format(options, params, payload: { progress?: LoadProgress }) {
      const line = describe(cliProgress.Format.BarFormat(params.progress, options), payload.progress)
      return line.length > err.columns - 1 ? `${line.slice(0, err.columns - 2)}…` : colors.cyan(line)
    },
  })
  let started = false
  return {
    update(progress) {
      // Drivers write warnings of their own while the device opens; a bar that stands by then would be torn.
      if (progress.phase === 'open' || progress.total === 0) return
      if (!started) bar.start(progress.total, progress.loaded, { progress })
      else {
        bar.setTotal(progress.total)
        bar.update(progress.loaded, { progress })
      }
      started = true
    },
    stop() {
      if (started) bar.stop()
    },
  }
}

function describe(bar: string, progress: LoadProgress | undefined): string {
  if (!progress) return bar
  const { phase, loaded, total, tensor, file, bytesPerSecond, secondsLeft } = progress
  const speed = bytesPerSecond === undefined || phase === 'compile' ? '' : `  ${bytes(bytesPerSecond)}/s`
  const left = secondsLeft === undefined || secondsLeft < 1 ? '' : `  ${duration(secondsLeft)} left`
  const what = phase === 'compile' ? 'compiling shaders' : (tensor ?? file ?? '')
  return `${bar} ${Math.floor((100 * loaded) / total)}%  ${bytes(loaded)} / ${bytes(total)}${speed}${left}  ${what}`
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}
