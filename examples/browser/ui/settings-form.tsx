/** Every parameter of a request, with its default, its range and its meaning. */
import { SETTINGS, type Setting, settings } from '../state/settings.ts'

export function SettingsForm() {
  return (
    <form class="settings" onSubmit={(event) => event.preventDefault()}>
      <label class="block" for="system">
        <strong>System prompt</strong>
        <small>What the assistant is told before the conversation.</small>
        <textarea
          id="system"
          rows={3}
          value={settings.system.value}
          onInput={(event) => settings.set('system', event.currentTarget.value)}
        />
      </label>
      <label class="block" for="schema">
        <strong>JSON schema</strong>
        <small>Answers are JSON that it accepts, by construction. Empty: free text.</small>
        <textarea
          id="schema"
          class="code"
          rows={3}
          spellcheck={false}
          placeholder={'{ "type": "object", … }'}
          value={settings.schema.value}
          onInput={(event) => settings.set('schema', event.currentTarget.value)}
        />
      </label>
      {SETTINGS.map(({ title, settings: group }) => (
        <fieldset key={title}>
          <legend>{title}</legend>
          {group.map((setting) => (
            <Field key={setting.name} {...setting} />
          ))}
        </fieldset>
      ))}
      <button type="button" class="quiet" onClick={() => settings.reset()}>
        All to their defaults
      </button>
    </form>
  )
}

function Field(setting: Setting) {
  const { name, label, kind, meaning } = setting
  const id = `set-${name}`
  return (
    <div class={`setting ${kind}`}>
      <label for={id}>{label}</label>
      {kind === 'number' && <NumberField id={id} {...setting} />}
      {kind === 'switch' && (
        <input
          id={id}
          type="checkbox"
          class="toggle"
          checked={Boolean(settings.values.value[name] ?? setting.standard)}
          onChange={(event) => settings.set(name, event.currentTarget.checked)}
        />
      )}
      {kind === 'lines' && (
        <textarea
          id={id}
          rows={2}
          value={String(settings.values.value[name] ?? '')}
          onInput={(event) => settings.set(name, event.currentTarget.value)}
        />
      )}
      <small>
        {meaning} {rangeOf(setting)}
      </small>
    </div>
  )
}

function NumberField({ id, name, standard, min, max, step }: Setting & { id: string }) {
  const given = settings.values.value[name]
  const take = (event: Event) => {
    const { value, valueAsNumber } = event.currentTarget as HTMLInputElement
    settings.set(name, value === '' ? undefined : valueAsNumber)
  }
  return (
    <input
      id={id}
      type="number"
      {...{ min, max, step }}
      placeholder={standard === undefined ? 'none' : String(standard)}
      value={given === undefined ? '' : String(given)}
      onInput={take}
    />
  )
}

function rangeOf({ kind, min, max, standard }: Setting): string {
  if (kind !== 'number') return ''
  const range = `${min} to ${max!.toLocaleString()}`
  return standard === undefined ? `(${range})` : `(${range}, default ${standard})`
}
