/** The command line goes through the proxy that the environment names. */
import { expect, it } from 'vitest'
import { useProxy } from '../../src/platform/proxy.ts'

const told = async (env: Record<string, string>) => {
  let [loads, calls] = [0, 0]
  await useProxy(env, async () => {
    loads++
    return { setGlobalProxyFromEnv: () => calls++ }
  })
  return [loads, calls]
}

it('Node is told of a proxy that is named, in capitals or not, and of no other', async () => {
  expect(await told({ HTTPS_PROXY: 'http://proxy:3128' })).toEqual([1, 1])
  expect(await told({ http_proxy: 'http://proxy:3128' })).toEqual([1, 1])
  expect(await told({ HTTPS_PROXY: '', NO_PROXY: 'localhost' })).toEqual([0, 0])
  expect(await told({})).toEqual([0, 0])
})

it('versions of Node that cannot be told are left alone', async () => {
  await useProxy({ HTTP_PROXY: 'http://proxy:3128' }, async () => ({}))
})
