/** A process that does the least that any program does. */
import { create } from 'webgpu'
import { sevenOf } from './seven.mjs'

const gpu = create([])
process.stdout.write(`${await sevenOf(gpu)}\n`)
