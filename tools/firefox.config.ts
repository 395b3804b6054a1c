/** The library and its demo in a Firefox of this machine: `npm run test:firefox`, by hand, as no npm package has a Firefox. */
import { mergeConfig } from 'vitest/config'
import { patience } from '../test/support/patience.ts'
import { common } from '../vitest.config.ts'

const slow = { testTimeout: patience(300_000), hookTimeout: patience(300_000), maxWorkers: 1 }
const globalSetup = ['test/support/global-setup.ts']
const firefox = mergeConfig(common, { test: { ...slow, globalSetup } })
export default { ...firefox, root: '.', test: { ...firefox.test, include: ['test/firefox/*.firefox.ts'] } }
