/** Every kernel that a device may choose, forced on whole models and on every layout: `npm run test:variants`, for a nightly run. */
import { mergeConfig } from 'vitest/config'
import everything from '../vitest.config.ts'

const variants = mergeConfig(everything, { test: { env: { TEST_VARIANTS: 'all' } } })
const include = ['test/variants/*.variants.ts', 'test/kernels/gpu-matmuls.test.ts']
export default { ...variants, root: '.', test: { ...variants.test, include } }
