/** Small files of servers are read by one request, whatever is read of them. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ByteReader } from '../../src/formats/byte-reader.ts'
import { openSafetensors } from '../../src/formats/safetensors.ts'
import { openSource } from '../../src/formats/source.ts'
import { wholeIfSmall } from '../../src/formats/whole-reader.ts'
import { type StaticServer, serveFolders } from '../runtime/static-server.ts'
import { fixture } from '../support/fixtures.ts'

let server: StaticServer

beforeAll(async () => {
  server = await serveFolders({ pocket: fileURLToPath(new URL('../../models/pocket', import.meta.url)) })
})
afterAll(() => server.close())

it('reads the tensors of a small checkpoint by one request behind that for its head', async () => {
  const files = await openSource(`${server.origin}/pocket`)
  const reader = await files.open('model.safetensors')
  const container = await openSafetensors(reader!)
  const asked = () => server.requests.filter(({ path }) => path.endsWith('.safetensors')).length
  expect(asked()).toBe(1)
  const local = await openSource(fileURLToPath(new URL('../../models/pocket', import.meta.url)))
  const same = await openSafetensors((await local.open('model.safetensors'))!)
  const tensors = [...container.tensors.values()]
  const all = await Promise.all(tensors.map((tensor) => container.read(tensor, 0, tensor.byteLength)))
  for (const [i, tensor] of tensors.entries()) {
    expect(Buffer.compare(all[i]!, await same.read(tensor, 0, tensor.byteLength))).toBe(0)
  }
  expect(tensors.length).toBeGreaterThan(40)
  expect(asked()).toBe(2)
  await files.close()
  await local.close()
})

/** A reader of bytes that count, which fails as often as it is told. */
function counted(size: number, given: Partial<ByteReader> = {}, failures = 0) {
  const reads: [offset: number, length: number][] = []
  const reader: ByteReader = {
    name: 'x',
    size,
    async read(offset, length) {
      reads.push([offset, length])
      if (reads.length <= failures) throw new Error('the server is away')
      return Uint8Array.from({ length }, (_, i) => offset + i)
    },
    async close() {},
    ...given,
  }
  return { reader, reads }
}

it('leaves files alone that are large, or not of a server', () => {
  for (const { reader } of [counted(100), counted((16 << 20) + 1, { isRemote: true })]) {
    expect(wholeIfSmall(reader)).toBe(reader)
  }
})

it('gives copies of what was asked for, in memory that was brought', async () => {
  const { reader, reads } = counted(100, { isRemote: true })
  const whole = wholeIfSmall(reader)
  const into = new Uint8Array(3)
  const [first, second] = await Promise.all([whole.read(10, 4), whole.read(20, 3, undefined, into)])
  expect(reads).toEqual([[0, 100]])
  expect([...first]).toEqual([10, 11, 12, 13])
  expect(second).toBe(into)
  expect([...into]).toEqual([20, 21, 22])
  first.fill(0)
  expect([...(await whole.read(10, 2))]).toEqual([10, 11])
  await expect(whole.read(99, 2)).rejects.toThrow(/ends at byte 100/)
})

it('reads again after a failure, and not for an aborted signal', async () => {
  const { reader, reads } = counted(100, { isRemote: true }, 1)
  const whole = wholeIfSmall(reader)
  await expect(whole.read(0, 4)).rejects.toThrow('away')
  await expect(whole.read(0, 4, AbortSignal.abort())).rejects.toThrow()
  expect([...(await whole.read(1, 2))]).toEqual([1, 2])
  expect(reads.length).toBe(2)
})

it('opens a file once that is asked for twice at a time', async () => {
  const names: string[] = []
  const { path } = fixture('window-7')
  const files = await openSource({
    async open(name: string) {
      names.push(name)
      const reader = await (await openSource(path)).open(name)
      return reader && { size: reader.size, read: (offset, length) => reader.read(offset, length) }
    },
  })
  const [one, other] = await Promise.all([files.open('config.json'), files.open('config.json')])
  expect(one).toBe(other)
  const two = await Promise.all(['generation_config.json', 'generation_config.json'].map((name) => files.open(name)))
  expect(two[0]).toBe(two[1])
  expect(names.filter((name) => name === 'generation_config.json').length).toBe(1)
  await files.close()
})
