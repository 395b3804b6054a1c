/**
 * Takes out of the built declarations what no declaration needs: the header comments of the files that they come from, which
 * the bundler leaves before the first of them, and empty lines. Part of `npm run build`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const dist = new URL('../dist/', import.meta.url)
/** A comment that an empty line, another comment or an import follows, so that it says nothing of a declaration. */
const DETACHED = /^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n(?=\n|\/\*\*|import )/gm

for (const name of readdirSync(dist).filter((name) => name.endsWith('.d.ts'))) {
  const text = readFileSync(new URL(name, dist), 'utf8')
  // What is exported says in its own comment which module it is.
  const tidy = text
    .replace(DETACHED, (comment) => (comment.includes('@module') ? comment : ''))
    .replace(/\n{2,}/g, '\n')
  writeFileSync(new URL(name, dist), tidy)
}
