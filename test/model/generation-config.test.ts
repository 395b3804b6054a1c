import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CheckpointError, ConfigError } from '../../src/errors.ts'
import { openSource } from '../../src/formats/source.ts'
import { openCheckpoint } from '../../src/model/checkpoint.ts'
import { fixture } from '../support/fixtures.ts'

const { path } = fixture('window-7')
const config = JSON.parse(readFileSync(`${path}/config.json`, 'utf8'))

/** The fixture with some of its files replaced. */
async function openWith(files: Record<string, object>) {
  const source = await openSource({
    open: (name) => (name in files ? JSON.stringify(files[name]) : readFileSync(`${path}/${name}`)),
  })
  return openCheckpoint(source)
}

test('ids of generation_config.json end an answer too', async () => {
  const own = (await openWith({ 'generation_config.json': {} })).config.eosTokenIds
  const both = (await openWith({ 'generation_config.json': { eos_token_id: [...own, 7, 9] } })).config.eosTokenIds
  expect(both).toEqual([...own, 7, 9])
  await expect(openWith({ 'generation_config.json': { eos_token_id: 59 } })).rejects.toThrow(ConfigError)
})

test('a config that names fewer layers than there are is refused', async () => {
  const error = await openWith({ 'config.json': { ...config, num_hidden_layers: 2 } }).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(CheckpointError)
  expect((error as CheckpointError).tensor).toBe('model.layers.2.input_layernorm.weight')
})
