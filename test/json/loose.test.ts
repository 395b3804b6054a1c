/** JSON that Python wrote: numbers that are not finite. */
import { expect, test } from 'vitest'
import { openSource } from '../../src/formats/source.ts'
import { CheckpointError, ConfigError } from '../../src/index.ts'
import { parseLooseJson } from '../../src/json/loose.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'

test('Infinity is a number, NaN a text, and texts stay as they are', () => {
  expect(parseLooseJson('{"a": Infinity, "b": [-Infinity, NaN], "c": "NaN \\" Infinity", "NaN": 1}')).toEqual({
    a: Infinity,
    b: [-Infinity, 'NaN'],
    c: 'NaN " Infinity',
    NaN: 1,
  })
  expect(parseLooseJson('[1, "x"]')).toEqual([1, 'x'])
})

test('what is wrong besides is told of the text as it stands', () => {
  for (const text of ['{"a": NaN', '[NaNs]', '', '{"a": nan}', '[Infinity Infinity]']) {
    expect(() => parseLooseJson(text)).toThrow(SyntaxError)
  }
})

test('a text that breaks off is looked at once', () => {
  for (const end of ['a'.repeat(300_000), '\\"'.repeat(300_000), '\\'.repeat(99_999), 'NaN "'.repeat(100_000), '"\\']) {
    expect(() => parseLooseJson(`{"a": NaN, "b": "${end}`)).toThrow(SyntaxError)
  }
})

test('a config with NaN where nobody looks opens, and is refused by the field that matters', async () => {
  const open = async (config: string) =>
    openCheckpoint(await openSource({ open: (name) => (name === 'config.json' ? config : undefined) }))
  const config = (more: string) => `{"model_type": "mistral", "initializer_range": NaN${more}}`
  // It gets as far as the weights, which are not there.
  await expect(open(config(''))).rejects.toThrow(CheckpointError)
  await expect(open(config(', "rms_norm_eps": NaN'))).rejects.toThrow(
    expect.objectContaining({ field: 'rms_norm_eps', value: 'NaN' }),
  )
  await expect(open(config(', "rope_theta": Infinity'))).rejects.toThrow(ConfigError)
})
