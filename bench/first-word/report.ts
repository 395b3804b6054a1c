/** Medians of what was noted on the way to the first word. */

export interface Stage {
  readonly stage: 'begun' | 'adapter' | 'device' | 'weights' | 'pipeline' | 'submit' | 'result' | 'loaded' | 'word'
  /** Milliseconds since the process, or the page, began. */
  readonly at: number
  readonly label?: string
  /** From the call to its result. */
  readonly ms?: number
  /** Of the processor, where pipelines were compiled one after another. */
  readonly cpu?: number
}

export interface Run {
  readonly noted: readonly Stage[]
  /** Milliseconds of the processor that the process took; NaN where that is not known. */
  readonly cpu: number
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

const first = (run: Run, stage: Stage['stage']) => run.noted.find((one) => one.stage === stage)?.at ?? Number.NaN
const last = (run: Run, stage: Stage['stage']) => run.noted.findLast((one) => one.stage === stage)?.at ?? Number.NaN
/** Pipelines that the first word waited for. */
const compiled = ({ noted }: Run) =>
  noted.slice(
    0,
    noted.findIndex(({ stage }) => stage === 'word'),
  )

const ROWS: readonly (readonly [string, (run: Run) => number])[] = [
  ['the program runs', (run) => first(run, 'begun')],
  ['adapter', (run) => first(run, 'adapter')],
  ['device', (run) => first(run, 'device')],
  ['first weights written', (run) => first(run, 'weights')],
  ['last weights written', (run) => last(run, 'weights')],
  ['first pipeline compiled', (run) => first(run, 'pipeline')],
  [
    'last pipeline compiled before the word',
    (run) => compiled(run).findLast(({ stage }) => stage === 'pipeline')?.at ?? Number.NaN,
  ],
  ['pipelines compiled before it', (run) => compiled(run).filter(({ stage }) => stage === 'pipeline').length],
  ['last result before it', (run) => compiled(run).findLast(({ stage }) => stage === 'result')?.at ?? Number.NaN],
  ['first word', (run) => first(run, 'word')],
  ['processor, to the end of the process', (run) => run.cpu],
]

/** Prints the median of each stage, a column for each kind of run. */
export function printStages(title: string, runs: Readonly<Record<string, readonly Run[]>>): void {
  const names = Object.keys(runs)
  console.log(`\n| ${title}, ms | ${names.join(' | ')} |\n|---|${names.map(() => '---|').join('')}`)
  for (const [row, of] of ROWS) {
    const cells = names.map((name) => Math.round(median(runs[name]!.map(of))))
    if (cells.some((cell) => !Number.isNaN(cell)))
      console.log(`| ${row} | ${cells.map((cell) => (Number.isNaN(cell) ? '–' : cell)).join(' | ')} |`)
  }
}

/** Prints what each pipeline took of the processor, in the order in which they were asked for. */
export function printPipelines(name: string, runs: readonly Run[]): void {
  const times = new Map<string, number[]>()
  for (const { noted } of runs) {
    const count = new Map<string, number>()
    for (const { stage, label = '', cpu } of noted) {
      if (stage !== 'pipeline' || cpu === undefined) continue
      const nth = count.get(label) ?? 0
      count.set(label, nth + 1)
      const key = nth === 0 ? label : `${label} (${nth + 1})`
      times.set(key, [...(times.get(key) ?? []), cpu])
    }
  }
  console.log(`\n| ${name}: pipeline | processor, ms |\n|---|---|`)
  for (const [label, ms] of times) console.log(`| ${label} | ${median(ms).toFixed(1)} |`)
  const all = [...times.values()].reduce((sum, ms) => sum + median(ms), 0)
  console.log(`| all | ${all.toFixed(0)} |`)
}
