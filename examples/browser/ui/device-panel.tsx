/** The GPU and the browser, as a report that can be pasted into an issue. */
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { askError } from '../state/answering.ts'
import { bytes } from '../state/format.ts'
import { loadError, loaded } from '../state/model.ts'

const facts = signal<readonly (readonly [string, string])[]>([])
const copied = signal(false)

export function DevicePanel() {
  useEffect(() => void look(), [loaded.value])
  return (
    <div class="device">
      <dl class="facts">
        {facts.value.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => void copy()}>
        {copied.value ? 'Copied' : 'Copy diagnostics'}
      </button>
      <p class="small">Nothing in it tells who you are. It helps whoever answers your question.</p>
    </div>
  )
}

async function look(): Promise<void> {
  const adapter = (await (navigator.gpu as GPU | undefined)?.requestAdapter()) ?? null
  const model = loaded.value
  const rows: [string, string | undefined][] = [
    ['GPU', adapter === null ? 'none' : describe(adapter.info)],
    ['f16', adapter?.features.has('shader-f16') ? 'yes' : 'no'],
    ['Subgroups', adapter?.features.has('subgroups') ? 'yes' : 'no'],
    ['Largest buffer', adapter === null ? undefined : bytes(adapter.limits.maxBufferSize)],
    ['Largest binding', adapter === null ? undefined : bytes(adapter.limits.maxStorageBufferBindingSize)],
    ['Model', model?.name],
    ['Weights', model === undefined ? undefined : bytes(model.status.memory.weights)],
    ['Key/value cache', model === undefined ? undefined : bytes(model.status.memory.cache)],
    ['On the GPU', model === undefined ? undefined : bytes(model.status.gpuBytes)],
    ['Context', model === undefined ? undefined : `${model.status.contextLength} tokens`],
    ['Last error', askError.value?.text ?? loadError.value],
    ['Browser', navigator.userAgent],
  ]
  facts.value = rows.filter((row): row is [string, string] => row[1] !== undefined)
}

function describe({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  return [vendor, architecture, device, description].filter(Boolean).join(' ') || 'the browser does not say'
}

async function copy(): Promise<void> {
  await look()
  await navigator.clipboard.writeText(facts.value.map(([name, value]) => `${name}: ${value}`).join('\n'))
  copied.value = true
  setTimeout(() => (copied.value = false), 2000)
}
