/** Whole models with the kernels `f16` of GPUs. */
import { testVariants } from './golden.ts'

testVariants(/^(?:f16|matrix)/)
