/** What a release says of itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import pkg from '../../package.json' with { type: 'json' }
import { releaseNotes } from '../../tools/release-notes.mjs'
import { root } from '../support/child.ts'

const changelog = `# Changelog

## 0.2.0 (2027-01-31)

### Added

- This.

## 0.1.10 (unreleased)

- That.

## 0.1.1 (2026-12-01)
`

it('are the section of the version', () => {
  expect(releaseNotes('v0.2.0', '0.2.0', changelog)).toBe('### Added\n\n- This.')
})

it.each([
  ['v0.2.0', '0.3.0', /the tag is v0.2.0, but package.json has version 0.3.0/],
  ['v0.3.0', '0.3.0', /has no section "## 0.3.0"/],
  ['v0.1.1', '0.1.1', /says nothing about 0.1.1/],
  ['v0.1.10', '0.1.10', /a release has its date/],
  ['0.2.0', '0.2.0', /the tag is 0.2.0/],
])('of %s at version %s are refused', (tag, version, message) => {
  expect(() => releaseNotes(tag, version, changelog)).toThrow(message)
})

it('has something to say about the version to come', () => {
  const text = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  const dated = text.replace(/^(## \S+) \(unreleased\)$/m, '$1 (2026-12-31)')
  expect(releaseNotes(`v${pkg.version}`, pkg.version, dated)).toMatch(/^- /m)
})
