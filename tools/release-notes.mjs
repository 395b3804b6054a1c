/**
 * Prints what CHANGELOG.md says of a release: `node tools/release-notes.mjs v0.1.0`. Fails unless the tag is the version
 * of package.json and the changelog has a dated section for it.
 */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/**
 * @param {string} tag
 * @param {string} version of package.json
 * @param {string} changelog
 * @returns {string} the section without its heading
 * @throws {Error} what keeps this from being a release
 */
export function releaseNotes(tag, version, changelog) {
  if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, but package.json has version ${version}`)
  const sections = changelog.split(/^## /m).slice(1)
  const section = sections.find((text) => text.startsWith(`${version} `) || text.startsWith(`${version}\n`))
  if (section === undefined) throw new Error(`CHANGELOG.md has no section "## ${version}"`)
  const [heading, ...lines] = section.split('\n')
  if (!/^\S+ \(\d{4}-\d{2}-\d{2}\)$/.test(heading)) {
    throw new Error(`CHANGELOG.md says "## ${heading}"; a release has its date: "## ${version} (YYYY-MM-DD)"`)
  }
  const notes = lines.join('\n').trim()
  if (notes === '') throw new Error(`CHANGELOG.md says nothing about ${version}`)
  return notes
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const changelog = readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8')
  try {
    console.log(releaseNotes(process.argv[2] ?? '', version, changelog))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
