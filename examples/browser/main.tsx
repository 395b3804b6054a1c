/** Starts the page: the embedded model talks at once, unless the address names another. */
import '@fontsource-variable/inter/wght.css'
import 'uplot/dist/uPlot.min.css'
import './style/base.css'
import './style/layout.css'
import './style/chat.css'
import './style/panels.css'
import { render } from 'preact'
import { ask } from './state/answering.ts'
import { openHistory } from './state/history.ts'
import { loadModel, POCKET, whenReady } from './state/model.ts'
import { settings } from './state/settings.ts'
import { findTrouble } from './state/trouble.ts'
import { App } from './ui/app.tsx'

render(<App />, document.getElementById('app')!)

const query = new URLSearchParams(location.search)
for (const name of ['max_tokens', 'temperature', 'seed'] as const) {
  const value = query.get(name)
  if (value !== null) settings.set(name, Number(value))
}

await openHistory()
if ((await findTrouble()) === undefined) {
  const model = query.get('model')
  const source = model === null || model === '' ? POCKET : { source: new URL(model, location.href).href, name: model }
  const loading = loadModel(source)
  const prompt = query.get('prompt')
  if (prompt !== null && (await whenReady(loading))) await ask(prompt)
}

// Pages under development change too often for a cache of their files.
if ('serviceWorker' in navigator && import.meta.env.MODE === 'production')
  void navigator.serviceWorker.register('./sw.js')
