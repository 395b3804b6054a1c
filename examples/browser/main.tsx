/** Starts the page: the embedded model talks at once, unless the address names another. */
import '@fontsource-variable/inter/wght.css'
import 'uplot/dist/uPlot.min.css'
import './style/base.css'
import './style/layout.css'
import './style/chat.css'
import './style/panels.css'
import './style/picker.css'
import './style/tokens.css'
import { render } from 'preact'
import { ask, attend, goOnWithKept } from './state/answering.ts'
import { openHistory, startAnew } from './state/history.ts'
import { loadModel, modelNamed, POCKET, whenReady } from './state/model.ts'
import { openRunning } from './state/running.ts'
import { settings } from './state/settings.ts'
import { findTrouble } from './state/trouble.ts'
import { keepPage } from './state/updates.ts'
import { App } from './ui/app.tsx'

const query = new URLSearchParams(location.search)
for (const name of ['max_tokens', 'temperature', 'seed'] as const) {
  const value = Number(query.get(name) ?? 'none')
  if (Number.isFinite(value)) settings.set(name, value)
}

attend()
const opened = openHistory().then(() => openRunning(goOnWithKept))
render(<App />, document.getElementById('app')!)

if ((await findTrouble()) === undefined) {
  const model = query.get('model')
  const loading = loadModel(model === null || model === '' ? POCKET : modelNamed(model))
  const prompt = query.get('prompt')
  await opened
  if (prompt !== null && (await whenReady(loading))) {
    // It is asked once: a reload shows the answer.
    const address = new URL(location.href)
    address.searchParams.delete('prompt')
    history.replaceState(null, '', address)
    startAnew()
    await ask(prompt)
  }
}

// Pages under development change too often for a cache of their files.
if (import.meta.env.MODE === 'production') void keepPage()
