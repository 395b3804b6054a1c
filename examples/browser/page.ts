/** The elements of index.html, by what they are for. */
function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`)
  return found
}

export const page = {
  noWebGpu: element('no-webgpu', HTMLElement),
  error: element('error', HTMLElement),

  source: element('source', HTMLElement),
  drop: element('drop', HTMLElement),
  files: element('files', HTMLInputElement),
  folder: element('folder', HTMLInputElement),
  urlForm: element('url-form', HTMLFormElement),
  url: element('url', HTMLInputElement),

  loading: element('loading', HTMLElement),
  phase: element('phase', HTMLElement),
  bar: element('bar', HTMLProgressElement),
  bytes: element('bytes', HTMLElement),
  tensor: element('tensor', HTMLElement),
  cancel: element('cancel', HTMLButtonElement),

  chat: element('chat', HTMLElement),
  modelName: element('model-name', HTMLElement),
  modelFacts: element('model-facts', HTMLElement),
  changeModel: element('change-model', HTMLButtonElement),
  rawNote: element('raw-note', HTMLElement),
  log: element('log', HTMLElement),
  ask: element('ask', HTMLFormElement),
  promptLabel: element('prompt-label', HTMLLabelElement),
  prompt: element('prompt', HTMLTextAreaElement),
  sampling: element('sampling', HTMLSelectElement),
  temperature: element('temperature', HTMLInputElement),
  maxTokens: element('max-tokens', HTMLInputElement),
  send: element('send', HTMLButtonElement),
  stop: element('stop', HTMLButtonElement),
  newConversation: element('new', HTMLButtonElement),
  status: element('status', HTMLElement),
}

export function showError(error: unknown): void {
  page.error.textContent = error instanceof Error ? error.message : String(error)
  page.error.hidden = false
}

export function clearError(): void {
  page.error.hidden = true
}
