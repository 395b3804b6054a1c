/** The GPU of a load is opened beside its source, and left to nobody where the source is none. */
import { expect, test } from 'vitest'
import { openSource } from '../../src/formats/source.ts'
import { Gpu } from '../../src/gpu/device.ts'
import { MistralChat, MistralModel } from '../../src/index.ts'
import { GpuAhead } from '../../src/model/ahead.ts'
import { type Checkpoint, openCheckpoint } from '../../src/model/checkpoint.ts'
import { LoadedModel } from '../../src/model/loaded-model.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

const WAIT = { timeout: patience(60_000) }
const options = { disableFeatures: disabledFeatures() }

/** Devices that were disposed of while `work` ran. */
async function disposals(work: () => Promise<unknown>): Promise<number> {
  const { dispose } = Gpu.prototype
  const gone = new Set<GPUDevice>()
  Gpu.prototype.dispose = function () {
    gone.add(this.device)
    return dispose.call(this)
  }
  try {
    await work()
  } finally {
    Gpu.prototype.dispose = dispose
  }
  return gone.size
}

test('a load whose source is refused disposes of the device before it rejects', WAIT, async () => {
  const nowhere = { open: async () => undefined, list: () => [] }
  for (const load of [MistralModel.load, MistralChat.load]) {
    expect(await disposals(() => expect(load(nowhere, options)).rejects.toThrow(/config\.json|checkpoint/))).toBe(1)
  }
})

test('a load that is aborted at once opens no device', WAIT, async () => {
  const aborted = { ...options, signal: AbortSignal.abort() }
  expect(await disposals(() => expect(MistralModel.load(fixture('window-7').path, aborted)).rejects.toThrow())).toBe(0)
})

test('a model has the device that was opened for it, and no other', WAIT, async () => {
  const gone = await disposals(() =>
    withModel(fixture('window-7').path, {}, async (model) => {
      model.loaded.gpu.check()
    }),
  )
  expect(gone).toBe(1)
})

test('it is given once', WAIT, async () => {
  const ahead = new GpuAhead(options)
  const gpu = await ahead.take()!
  expect(ahead.take()).toBeUndefined()
  await ahead.end()
  gpu.check()
  gpu.dispose()
})

test('a vocabulary that is not sound is refused before weights are read', WAIT, async () => {
  const checkpoint = await openCheckpoint(await openSource(fixture('window-7').path))
  const read: string[] = []
  const readTensor: Checkpoint['readTensor'] = (info, ...part) => {
    read.push(info.name)
    return checkpoint.readTensor(info, ...part)
  }
  const sound = () => Promise.reject(new Error('a token twice'))
  const load = () => LoadedModel.load({ ...checkpoint, readTensor }, options, { ids: () => 5, sound })
  expect(await disposals(() => expect(load()).rejects.toThrow('a token twice'))).toBe(1)
  expect(read).toEqual([])
  await checkpoint.close()
})
