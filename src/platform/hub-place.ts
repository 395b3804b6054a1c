/** Where huggingface_hub and llama.cpp keep models on this machine, and what the environment says about the Hub. */
import { readFile } from 'node:fs/promises'
import { homedir, totalmem } from 'node:os'
import { join } from 'node:path'
import type { HubSettings } from './store-types.ts'
import type { Environment } from './types.ts'

/** The folder of the Hub's cache, by the rules of huggingface_hub. */
export function hubFolder(): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = process.env
  return expanded(HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(hubHome(), 'hub'))
}

function hubHome(): string {
  const { HF_HOME, XDG_CACHE_HOME } = process.env
  return expanded(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'))
}

/** Files of settings hold what no shell has expanded: `~/models`, `$SCRATCH/hf`. huggingface_hub expands it itself. */
function expanded(path: string): string {
  const absolute = path.replace(/^~(?=$|[\\/])/, () => homedir())
  return absolute.replace(/\$(?:(\w+)|\{([^}]+)\})/g, (text, bare, braced) => process.env[bare ?? braced] ?? text)
}

export function environment(): Environment {
  return { hubEndpoint: process.env.HF_ENDPOINT || undefined, home: homedir() }
}

/** Where files of plain addresses are kept. */
export function urlFolder(): string {
  const { MISTRAL_WEBGPU_CACHE, XDG_CACHE_HOME } = process.env
  return expanded(MISTRAL_WEBGPU_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'mistral-webgpu'))
}

/** Where llama.cpp keeps what it downloads: plain files in its older versions, the Hub's layout in its newer ones. */
export function llamaFolders(): string[] {
  const { LLAMA_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  if (LLAMA_CACHE) return [expanded(LLAMA_CACHE)]
  const home = homedir()
  if (process.platform === 'darwin') return [join(home, 'Library', 'Caches', 'llama.cpp')]
  if (process.platform === 'win32') return LOCALAPPDATA ? [join(LOCALAPPDATA, 'llama.cpp')] : []
  return [join(XDG_CACHE_HOME || join(home, '.cache'), 'llama.cpp')]
}

/** The folders in which Ollama may keep its models. */
export function ollamaFolders(): string[] {
  const { OLLAMA_MODELS } = process.env
  if (OLLAMA_MODELS) return [OLLAMA_MODELS]
  return [join(homedir(), '.ollama', 'models'), '/usr/share/ollama/.ollama/models', '/var/lib/ollama/models']
}

export async function hubSettings(): Promise<HubSettings> {
  const { HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_HUB_DISABLE_IMPLICIT_TOKEN } = process.env
  const { HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE } = process.env
  const stored = isTrue(HF_HUB_DISABLE_IMPLICIT_TOKEN) ? undefined : await storedToken()
  return {
    endpoint: environment().hubEndpoint,
    token: HF_TOKEN?.trim() || HUGGING_FACE_HUB_TOKEN?.trim() || stored,
    offline: isTrue(HF_HUB_OFFLINE || TRANSFORMERS_OFFLINE),
    memoryBytes: totalmem(),
  }
}

/** What `hf auth login` wrote. */
async function storedToken(): Promise<string | undefined> {
  const path = expanded(process.env.HF_TOKEN_PATH || join(hubHome(), 'token'))
  return readFile(path, 'utf8').then(
    (text) => text.trim() || undefined,
    () => undefined,
  )
}

function isTrue(value: string | undefined): boolean {
  return /^(?:1|on|yes|true)$/i.test(value ?? '')
}
