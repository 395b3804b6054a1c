/** Prompts of several requests go through the model together, and only rows that want logits get them. */
import { expect, test } from 'vitest'
import type { Recording } from '../../src/gpu/recorder.ts'
import { type BatchShape, batchClassOf } from '../../src/kernels/shape.ts'
import type { Batch } from '../../src/model/batch.ts'
import { fixture, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { greedy, promptOf, tokensOf } from './support.ts'

const { path, reference } = fixture('window-7')
const load = { kvCache: 'f32', prefillChunk: 32, stepsPerReadback: 1 } as const
const params = { ...greedy, max_tokens: 6 }
const prompts = [40, 5, 7].map((length, i) => promptOf(40 + i, length, reference.vocab))

type Extents = readonly [x: number, y: number, z: number]

/** Notes what a pass dispatches, besides doing it. */
function noteDispatches(device: GPUDevice, noted: Extents[]): void {
  const create = device.createCommandEncoder.bind(device)
  device.createCommandEncoder = (descriptor) => {
    const encoder = create(descriptor)
    const begin = encoder.beginComputePass.bind(encoder)
    encoder.beginComputePass = (passDescriptor) => {
      const pass = begin(passDescriptor)
      const dispatch = pass.dispatchWorkgroups.bind(pass)
      pass.dispatchWorkgroups = (x, y = 1, z = 1) => {
        noted.push([x, y, z])
        dispatch(x, y, z)
      }
      return pass
    }
    return encoder
  }
}

/** What a recording dispatches for a batch of so many rows, of which some have outputs. */
function extentsOf(recording: Recording<BatchShape>, rows: number, outputs: number): Extents[] {
  const extents: Extents[] = []
  const dispatchWorkgroups = (x: number, y = 1, z = 1) => extents.push([x, y, z])
  const pass = { setPipeline() {}, setBindGroup() {}, dispatchWorkgroups }
  const batch = { rows, outputs, splits: 1, tiles: rows, ruled: 0, logged: 0 }
  recording.encode(pass as unknown as GPUComputePassEncoder, batch)
  return extents
}

test('prompts share a chunk, and the head runs for the rows at their ends alone', { timeout: patience(120_000) }, () =>
  withModel(path, { ...load, maxSequences: 3 }, async (model) => {
    const { gpu, runner } = model.loaded
    const noted: Extents[] = []
    const batches: { batch: Batch; extents: Extents[] }[] = []
    noteDispatches(gpu.device, noted)
    // As long as JavaScript chooses, no kernel does.
    await runner.recordings.endings({ ruled: false, kind: 'greedy', logged: false })
    const sample = runner.sample.bind(runner)
    runner.sample = async (batch) => {
      noted.length = 0
      const submitted = await sample(batch)
      batches.push({ batch, extents: [...noted] })
      return submitted
    }
    await Promise.all(prompts.map((prompt) => tokensOf(model.generate(prompt, params))))

    const outputs = ({ batch }: (typeof batches)[number]) => batch.rows.filter((row) => row.output).length
    const [first, second] = batches
    expect(first!.batch.rows).toHaveLength(32)
    expect(outputs(first!)).toBe(0)
    // What is left of the first prompt, and the whole of the others.
    expect(second!.batch.rows).toHaveLength(8 + 5 + 7)
    expect(outputs(second!)).toBe(3)
    expect(new Set(second!.batch.rows.map((row) => row.sequence)).size).toBe(3)

    // The chunk without outputs is the layers and nothing else, the last one up to its attention.
    const { recordings } = runner
    const [all, none, some] = await Promise.all([recordings.layers('many'), recordings.prompt(0), recordings.prompt(3)])
    expect(first!.extents).toEqual(extentsOf(none, 32, 0))
    expect(extentsOf(all, 32, 0)).toEqual([...first!.extents, ...extentsOf(all, 32, 0).slice(first!.extents.length)])
    // Output, norm, gate and the way down.
    expect(extentsOf(all, 32, 0).length - first!.extents.length).toBe(4)
    // What follows the layers in the other depends on outputs alone.
    const head = await recordings.head(batchClassOf(3, true))
    const headExtents = extentsOf(head, 3, 3)
    expect(extentsOf(head, 20, 3)).toEqual(headExtents)
    const layers = extentsOf(some, 20, 3)
    expect(second!.extents.slice(0, layers.length)).toEqual(layers)
    const after = second!.extents.slice(layers.length)
    expect(after.slice(0, headExtents.length)).toEqual(headExtents)
    // The choice of tokens: one workgroup for each output.
    expect(after.slice(headExtents.length)).toEqual([[3, 1, 1]])
  }),
)

test('a prompt that shares chunks gives what it gives alone', { timeout: patience(120_000) }, async () => {
  const alone = await withModel(path, { ...load, maxSequences: 1 }, async (model) => {
    const all: number[][] = []
    for (const prompt of prompts) all.push(await tokensOf(model.generate(prompt, params)))
    return all
  })
  await withModel(path, { ...load, maxSequences: 3 }, async (model) => {
    expect(await Promise.all(prompts.map((prompt) => tokensOf(model.generate(prompt, params))))).toEqual(alone)
  })
})
