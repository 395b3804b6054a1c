/** Numbers as a person reads them. */
import { expect, it } from 'vitest'
import { modelFits } from '../../src/cli/model-fits.ts'
import { bytes } from '../../src/errors/units.ts'

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [2 ** 27, '128 MiB'],
  [2 ** 20 - 1, '1 MiB'],
  [2 ** 32 - 1, '4 GiB'],
  [5.25 * 2 ** 40, '5.3 TiB'],
])('%d bytes read as %s', (count, text) => {
  expect(bytes(count)).toBe(text)
})

it('models of published sizes have the weights and the context that the device allows', () => {
  const sevenB = (binding: number) => {
    const limits = {
      maxBufferSize: 2 ** 31,
      maxStorageBufferBindingSize: binding,
      maxComputeWorkgroupsPerDimension: 65535,
    }
    const gpu = { limits, tuning: {} } as unknown as Parameters<typeof modelFits>[0]
    return modelFits(gpu).find(({ name }) => name === 'Mistral 7B')!
  }
  // 7.25 billion parameters at 2 bytes, in however many pieces.
  for (const binding of [2 ** 22, 2 ** 27, 2 ** 30])
    expect(sevenB(binding).weights_bytes.native / 2e9).toBeCloseTo(7.25, 2)
  // 8 heads of 128, keys and values in f32.
  expect(sevenB(2 ** 27).max_context).toBe(2 ** 27 / (2 * 8 * 128 * 4))
  expect(sevenB(2 ** 30).max_context).toBe(32768)
})
