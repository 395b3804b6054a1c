/** Numbers as a person reads them. */
import { expect, it } from 'vitest'
import { modelFits } from '../../src/cli/model-fits.ts'
import { bytes } from '../../src/cli/units.ts'

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

it('a model fits when its largest matrix fits one binding', () => {
  const sevenB = (bindingBytes: number) => modelFits(bindingBytes).find(({ name }) => name === 'Mistral 7B')!
  // The embedding, 32768 x 4096, is the largest under each option: 16 bits are 256 MiB, 8 bits half of that.
  expect(sevenB(256 * 2 ** 20).runs).toEqual({ native: true, q8: true, q4: true })
  expect(sevenB(256 * 2 ** 20 - 1).runs).toEqual({ native: false, q8: true, q4: true })
  expect(sevenB(128 * 2 ** 20 - 1).runs).toEqual({ native: false, q8: false, q4: false })
  // 7.25 billion parameters at 2 bytes.
  expect(sevenB(0).weights_bytes.native / 2e9).toBeCloseTo(7.25, 2)
})
