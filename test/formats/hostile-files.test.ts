/**
 * Files of every format with something wrong in them: each loads, or is refused by a typed error. `bench/hostile-files.ts` opens many
 * more of them, and looks at what they cost.
 */
import { afterAll, expect, test } from 'vitest'
import { FORMATS, formatOf } from '../support/hostile-files/formats.ts'
import { closeDevice } from '../support/hostile-files/open.ts'
import { runOne } from '../support/hostile-files/run.ts'
import { patience } from '../support/patience.ts'

const RUNS = 60

afterAll(closeDevice)

test.each(FORMATS)('%s', { timeout: patience(60_000) }, async (name) => {
  const format = formatOf(name)
  const ends = new Set<string | undefined>()
  for (let run = 0; run < RUNS; run++) {
    const { error, fault } = await runOne(format, run)
    expect(fault, `run ${run}`).toBeUndefined()
    ends.add(error)
  }
  // Changes that are all refused, or none of them, would test little.
  expect(ends).toContain(undefined)
  expect(ends.size).toBeGreaterThan(1)
})
