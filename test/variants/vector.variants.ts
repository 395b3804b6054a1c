/** Whole models with the kernels `vector` of GPUs. */
import { testVariants } from './golden.ts'

testVariants(/^(?:vector|split)/)
