/** Whole models with the kernels `tile` of GPUs. */
import { testVariants } from './golden.ts'

testVariants(/^tile/)
