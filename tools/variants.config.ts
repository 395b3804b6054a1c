/** Every kernel that a device may choose, forced on whole models and on every layout: `npm run test:variants`, for a nightly run. */
import { mergeConfig } from 'vitest/config'
import { common } from '../vitest.config.ts'

const variants = mergeConfig(common, {
  test: { env: { TEST_VARIANTS: 'all' }, globalSetup: ['test/support/global-setup.ts'] },
})
const include = ['test/variants/*.variants.ts', 'test/kernels/gpu-matmuls.test.ts']
export default { ...variants, root: '.', test: { ...variants.test, include } }
