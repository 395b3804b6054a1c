/**
 * Prints the last line of `.ci/run` and sets the exit code: `count.mjs results.json [failed stage...]`, the results
 * being those of vitest's JSON reporter. Counts what vitest's own totals leave out: files that failed before their first
 * test, and a run that failed although every test passed (an unhandled error, a crash).
 */
import { readFileSync } from 'node:fs'

const [file, ...failedStages] = process.argv.slice(2)

let passed = 0
let failed = failedStages.filter((stage) => stage !== 'test').length
let skipped = 0
const failedBefore = failed

const results = read(file)
for (const suite of results?.testResults ?? []) {
  const broken = suite.status === 'failed' && !suite.assertionResults.some((test) => test.status === 'failed')
  if (broken) failed++
  for (const test of suite.assertionResults) {
    if (test.status === 'passed') passed++
    else if (test.status === 'failed') failed++
    else skipped++
  }
}
if (failedStages.includes('test') && failed === failedBefore) failed++
if (passed === 0 && failed === 0) failed++

console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 ? 1 : 0

/** undefined when vitest wrote nothing: it did not get that far. */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
