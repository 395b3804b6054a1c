import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Json } from './fake-chat.ts'

/** The request bodies that the pages of the predict route print, as they stand there. */
export interface Seeds {
  /** Arguments of `client.chat.completions.create`. */
  chat: Json[]
  /** Bodies that `requests.post` sends. */
  predict: Json[]
  /** The answer that one page shows: the whole conversation. */
  sample: string
}

/** undefined where the pages do not lie beside the repository. */
export function readSeeds(): Seeds | undefined {
  const folder = fileURLToPath(new URL('../../../shared/seeds/', import.meta.url))
  const files = ['000_d0f229d2c18fee9e.txt', '001_590b53dc47f8ba4a.txt'].map((name) => `${folder}${name}`)
  if (!files.every((file) => existsSync(file))) return undefined
  const [readme, page] = files.map((file) => readFileSync(file, 'utf8'))
  // The second file numbers the lines of its code.
  const texts = [readme!, page!.replaceAll(/^\d+/gm, '')]
  const sample = /^"\[INST\].*"$/m.exec(readme!)![0]
  return { chat: texts.flatMap(chatBodies), predict: texts.flatMap(predictBodies), sample: JSON.parse(sample) }
}

function chatBodies(text: string): Json[] {
  const calls = [...text.matchAll(/completions\.create\(\n([\s\S]*?)\n\)/g)]
  return calls.map(([, args]) => {
    const fields = args!.replaceAll(/^ *(\w+)=/gm, '"$1": ')
    return fromPython(`{${fields}}`)
  })
}

function predictBodies(text: string): Json[] {
  const messages = [...text.matchAll(/^messages = (\[[\s\S]*?\n\])/gm)].map(([, list]) => list!)
  const bodies = [...text.matchAll(/^data = (\{[\s\S]*?\n\})/gm)].map(([, body]) => body!)
  return bodies.map((body, i) => fromPython(body.replace(/: messages,/, `: ${messages[i]},`)))
}

function fromPython(literal: string): Json {
  const json = literal.replaceAll(/: True\b/g, ': true').replaceAll(/: False\b/g, ': false')
  return JSON.parse(json.replaceAll(/,(\s*[\]}])/g, '$1'))
}
