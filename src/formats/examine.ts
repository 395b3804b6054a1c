/** Looks at the first bytes of every file that is opened, whether they are what its name says. */
import type { ByteReader } from './byte-reader.ts'
import { type Absence, type Examined, HEAD_BYTES, hasJinja, type Origin, type Role } from './examined.ts'
import { fileKind, KIND_BYTES, textOf } from './file-kind.ts'
import { isGguf } from './file-names.ts'

/**
 * @param origin undefined for a file that certainly exists: on a disk, or dropped on a page
 * @returns why the file counts as missing, when a server put something else in its place; undefined when all is well
 * @throws CheckpointError when the file exists and holds something else than its name says
 */
export async function examine(
  reader: ByteReader,
  origin: Origin | undefined,
  signal?: AbortSignal,
): Promise<Absence | undefined> {
  const { name, size } = reader
  const role = roleOf(name)
  if (role === undefined) return undefined
  const wanted = role === 'weights' && origin === undefined ? KIND_BYTES : HEAD_BYTES
  const head = size === 0 ? new Uint8Array(0) : await reader.read(0, Math.min(size, wanted), signal)
  const file: Examined = { name, role, kind: fileKind(head, size), text: textOf(head) ?? '', size, origin }
  if (isWhatItsNameSays(file)) return undefined
  const { judge } = await import('./stand-in.ts')
  return judge(file)
}

/** Whether there is nothing to find out: false for everything that might stand in the place of the file. */
function isWhatItsNameSays({ name, role, kind, text, origin }: Examined): boolean {
  switch (role) {
    case 'weights':
      return kind === (isGguf(name) ? 'gguf' : 'safetensors')
    case 'vocabulary':
      return kind === undefined
    case 'json':
      return kind === 'json' && /^\s*\{/.test(text) && !/"(?:errors?|message|msg|detail|title)"/i.test(text)
    case 'template':
      return kind === 'text' && hasJinja(text) && !origin?.type.includes('html')
    case 'foreign':
      return false
  }
}

function roleOf(name: string): Role | undefined {
  if (/\.jinja2?$/i.test(name)) return 'template'
  if (/\.json$/i.test(name)) return 'json'
  if (/\.(?:safetensors|gguf)$/i.test(name)) return 'weights'
  if (/\.model(?:\.v\d+m?\d*)?$/i.test(name)) return 'vocabulary'
  return /\.(?:bin|pt|pth|ckpt|onnx|h5|msgpack|xml)$/i.test(name) ? 'foreign' : undefined
}
