/** Each row of the tables of docs/models.md names tests that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../support/child.ts'

const PATHS = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.test.ts'),
)

/** Folders of tests have files of one name. */
function textsOf(file: string): string[] {
  return PATHS.filter((path) => basename(path) === file).map((path) => readFileSync(join(root, 'test', path), 'utf8'))
}

/** Folders of cases, each of which is the name of a test in the files that read the folder. */
const CASES = ['checkpoints', 'long', 'quantized']
const ROWS = readFileSync(join(root, 'docs/models.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\|[-|]+\|$/.test(line))
  // A title of a column stands for its table.
  .filter((line) => !line.endsWith('| tested by |'))

/** `` `a.test.ts`: `one`, `two`; `b.test.ts` `` as pairs of a file and what it is to hold. */
function testsOf(row: string): { file: string; names: string[] }[] {
  const cell = row.split(/(?<!\\)\|/).at(-2) ?? ''
  return cell.split('; `').map((part) => {
    const [file = '', ...names] = [...`\`${part.trim().replace(/^`/, '')}`.matchAll(/`([^`]+)`/g)].map(
      ([, name]) => name!,
    )
    return { file, names }
  })
}

function has(file: string, name: string): boolean {
  // Cases of fixtures have their folder's name.
  const folders = CASES.filter((folder) => existsSync(join(root, 'test/fixtures', folder, name)))
  return textsOf(file).some(
    (text) => text.includes(name) || folders.some((folder) => text.includes(`fixtures/${folder}'`)),
  )
}

test('there are tables, and every row ends with tests', () => {
  expect(ROWS.length).toBeGreaterThan(35)
  for (const row of ROWS) expect(row).toMatch(/\| `[\w-]+\.test\.ts`[^|]*\|$/)
})

test.each(ROWS.map((row) => [row.split('|')[1]!.trim(), row]))('%s', (_, row) => {
  for (const { file, names } of testsOf(row)) {
    expect(textsOf(file).length, file).toBeGreaterThan(0)
    for (const name of names) expect(has(file, name), `${file}: ${name}`).toBe(true)
  }
})
