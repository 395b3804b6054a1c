/** Says, before the first test, which adapter the suite runs on. */
import { probeAdapter } from '../../tools/adapter.mjs'
import { disabledFeatures } from './features.ts'

export default async function setup(): Promise<void> {
  const adapter = await probeAdapter()
  if (!adapter) {
    console.log('WebGPU adapter: none. Run the suite with `npm test`, which looks for one.\n')
    return
  }
  const disabled = disabledFeatures()
  const has = (name: string): string =>
    disabled.includes(name) ? `${name} off` : `${name} ${adapter.features.includes(name) ? 'yes' : 'no'}`
  const name = adapter.description || `${adapter.vendor} ${adapter.architecture}`
  console.log(`WebGPU adapter: ${name} (${has('shader-f16')}, ${has('subgroups')})\n`)
}
