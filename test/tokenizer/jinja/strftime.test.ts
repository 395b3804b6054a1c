/** Dates against Python's. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { strftime } from '../../../src/tokenizer/strftime.ts'

type When = [year: number, month: number, day: number, hour: number, minute: number, second: number, ms: number]

const { formats, cases } = JSON.parse(
  gunzipSync(readFileSync(new URL('../../fixtures/jinja/dates.json.gz', import.meta.url))).toString('utf8'),
) as { formats: string[]; cases: [When, string[]][] }

it.each(formats.map((format, i): [string, number] => [format, i]))('%s', (format, i) => {
  expect(cases.map(([when]) => strftime(new Date(...when), format))).toEqual(cases.map(([, texts]) => texts[i]))
})
