/** Tokens per second over the time of an answer. */
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'

/** Tokens that one point of the curve is the mean of. */
const SPAN = 8

export function SpeedChart({ arrivals }: { arrivals: readonly number[] }) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  useEffect(() => {
    const { current: parent } = box
    if (parent === null) return
    const style = getComputedStyle(parent)
    const grid = { stroke: style.getPropertyValue('--line'), width: 1 }
    const axis = {
      stroke: style.getPropertyValue('--ink-soft'),
      grid,
      ticks: grid,
      font: '11px Inter Variable',
      size: 34,
    }
    plot.current = new uPlot(
      {
        width: parent.clientWidth,
        height: 150,
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
        axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => `${tick} s`) }, axis],
        series: [{}, { stroke: style.getPropertyValue('--accent'), width: 2, points: { show: false } }],
      },
      [[], []],
      parent,
    )
    const watcher = new ResizeObserver(() => plot.current?.setSize({ width: parent.clientWidth, height: 150 }))
    watcher.observe(parent)
    return () => {
      watcher.disconnect()
      plot.current?.destroy()
    }
  }, [])
  useEffect(() => {
    plot.current?.setData(curve(arrivals))
  }, [arrivals])
  return <div class="chart" ref={box} role="img" aria-label={`Speed of the answer, ${arrivals.length} tokens`} />
}

function curve(arrivals: readonly number[]): [number[], number[]] {
  const at: number[] = []
  const speed: number[] = []
  const points = Math.max(1, Math.floor(arrivals.length / 200))
  for (let i = SPAN; i < arrivals.length; i += points) {
    const took = arrivals[i]! - arrivals[i - SPAN]!
    if (took <= 0) continue
    at.push(arrivals[i]! / 1000)
    speed.push((1000 * SPAN) / took)
  }
  return [at, speed]
}
