/** What makes answers and what they cost: parameters, numbers, and the device. */
import { signal } from '@preact/signals'
import { DevicePanel } from './device-panel.tsx'
import { NumbersPanel } from './numbers-panel.tsx'
import { SettingsForm } from './settings-form.tsx'

const TABS = { numbers: 'Look inside', settings: 'Settings', device: 'Device' } as const
type Tab = keyof typeof TABS
const tab = signal<Tab>('numbers')

export function SidePanel() {
  const keys = (event: KeyboardEvent) => {
    const names = Object.keys(TABS) as Tab[]
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    tab.value = names[(names.indexOf(tab.value) + step + names.length) % names.length]!
    document.getElementById(`tab-${tab.value}`)?.focus()
  }
  return (
    <aside class="side panel" aria-label="Settings and numbers">
      <div class="tabs" role="tablist" aria-label="Panels" onKeyDown={keys}>
        {(Object.keys(TABS) as Tab[]).map((name) => (
          <button
            key={name}
            id={`tab-${name}`}
            type="button"
            role="tab"
            aria-selected={tab.value === name}
            aria-controls="panel"
            tabIndex={tab.value === name ? 0 : -1}
            onClick={() => (tab.value = name)}
          >
            {TABS[name]}
          </button>
        ))}
      </div>
      <div id="panel" class="panel-body" role="tabpanel" aria-labelledby={`tab-${tab.value}`} tabIndex={0}>
        {tab.value === 'settings' && <SettingsForm />}
        {tab.value === 'numbers' && <NumbersPanel />}
        {tab.value === 'device' && <DevicePanel />}
      </div>
    </aside>
  )
}
