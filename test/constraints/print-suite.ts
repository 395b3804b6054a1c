/** Prints the counts of the JSON Schema Test Suite for docs/structured-output.md: `npx tsx --conditions=mistral-webgpu-source test/constraints/print-suite.ts`. */
import { runSuite, suiteTable } from '../support/json-schema-suite.ts'

const results = runSuite()
console.log(suiteTable(results))
for (const { file, wrong, unsupported } of results) {
  for (const test of wrong) console.log(`${file}: wrong: ${test}`)
  for (const { group, reason } of unsupported) console.log(`${file}: ${group}: ${reason}`)
}
