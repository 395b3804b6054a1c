/** What file names of a checkpoint may be: they come from indexes and callers, and are opened. */
import { CheckpointError } from '../errors.ts'

/** True for a name that stays inside its folder: no separator, no parent, no scheme, no control character. */
export function isPlainFileName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return name.length <= 255 && !/[/\\:\u0000-\u001f]/.test(name) && !/^\.*$/.test(name)
}

/** The one folder inside a checkpoint whose files are opened, by the name of the folder, a slash and their own. */
export const TEMPLATE_FOLDER = 'additional_chat_templates'

/** Whether a name is that of a file in {@link TEMPLATE_FOLDER}. */
export function isInTemplateFolder(name: string): boolean {
  return name.startsWith(`${TEMPLATE_FOLDER}/`)
}

/** @throws CheckpointError when the name is not plain */
export function checkFileName(name: string, label: string): void {
  if (!isPlainFileName(isInTemplateFolder(name) ? name.slice(TEMPLATE_FOLDER.length + 1) : name)) {
    throw new CheckpointError({ file: label }, `${JSON.stringify(name.slice(0, 80))} is not a plain file name`)
  }
}

export function isGguf(name: string): boolean {
  return /\.gguf$/i.test(name)
}

/** A name from a URL's path; as it stands when it is not valid percent-encoding. */
export function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

/** The path of a `file:` URL, which names a host where it is a share of another machine. */
export function filePath({ host, pathname }: URL): string {
  const path = decodeName(pathname)
  if (host !== '') return `//${host}${path}`
  return /^\/[a-z]:/i.test(path) ? path.slice(1) : path
}
