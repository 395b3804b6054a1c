/** Tokens per second over the time of an answer. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import { ensureLanguage } from '../state/language.ts'

/** Tokens, at least, that one point of the curve is the mean of. */
const SPAN = 8
const HEIGHT = 150

export function SpeedChart({ arrivals }: { arrivals: readonly number[] }) {
  const box = useRef<HTMLDivElement>(null)
  const [plot, setPlot] = useState<uPlot>()
  useEffect(() => {
    let gone = false
    let shown: uPlot | undefined
    const watcher = new ResizeObserver(([entry]) => {
      shown?.setSize({ width: entry!.target.clientWidth, height: HEIGHT })
    })
    // Loaded when it is first shown: the page talks before.
    void loadPlot().then((Plot) => {
      const { current: parent } = box
      if (gone || parent === null) return
      shown = new Plot(appearance(parent), [[], []], parent)
      watcher.observe(parent)
      setPlot(shown)
    })
    return () => {
      gone = true
      watcher.disconnect()
      shown?.destroy()
    }
  }, [])
  useEffect(() => {
    plot?.setData(curve(arrivals))
  }, [plot, arrivals])
  return <div class="chart" ref={box} role="img" aria-label={`Speed of the answer, ${arrivals.length} tokens`} />
}

async function loadPlot(): Promise<typeof uPlot> {
  ensureLanguage()
  return (await import('uplot')).default
}

function appearance(parent: HTMLElement): uPlot.Options {
  const style = getComputedStyle(parent)
  const grid = { stroke: style.getPropertyValue('--line'), width: 1 }
  const axis = {
    stroke: style.getPropertyValue('--ink-soft'),
    grid,
    ticks: grid,
    font: '11px Inter Variable',
    size: 34,
  }
  return {
    width: parent.clientWidth,
    height: HEIGHT,
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => `${tick} s`) }, axis],
    series: [{}, { stroke: style.getPropertyValue('--accent'), width: 2, points: { show: false } }],
  }
}

/** Several tokens come at once from the GPU: time passes between the last ones of such groups only. */
function curve(arrivals: readonly number[]): [number[], number[]] {
  const mean = (arrivals.at(-1)! - arrivals[0]!) / (arrivals.length - 1)
  const lasts = [...arrivals.keys()].filter((i) => !(arrivals[i + 1]! - arrivals[i]! < mean / 2))
  const at: number[] = []
  const speed: number[] = []
  const points = Math.max(1, Math.floor(lasts.length / 200))
  let from = 0
  for (let to = 1; to < lasts.length; to++) {
    while (lasts[to]! - lasts[from + 1]! >= SPAN) from++
    const count = lasts[to]! - lasts[from]!
    if (count < SPAN || to % points !== 0) continue
    at.push(arrivals[lasts[to]!]! / 1000)
    speed.push((1000 * count) / (arrivals[lasts[to]!]! - arrivals[lasts[from]!]!))
  }
  return [at, speed]
}
