/** Whole models with the kernels `int8` of GPUs. */
import { testVariants } from './golden.ts'

testVariants(/^int8/)
