/** Opens an adapter of any format: every name and shape is checked against the model before a byte of a matrix is read. */
import { CheckpointError } from '../errors.ts'
import { absenceOf, type SourceFiles } from '../formats/source.ts'
import type { AdapterFile } from './adapter-weights.ts'
import type { ModelConfig } from './config.ts'

/**
 * Opens the folder that PEFT saved, or the GGUF that llama.cpp's converter wrote. The caller closes `files`.
 * @throws CheckpointError naming file, tensor and fact; ConfigError naming the field; AbortError
 */
export async function openAdapter(files: SourceFiles, config: ModelConfig, signal?: AbortSignal): Promise<AdapterFile> {
  const { fileName, ggufName } = files
  if (fileName === undefined || fileName !== ggufName) {
    const { openPeftAdapter } = await import('./adapter-peft.ts')
    const opened = await openPeftAdapter(files, config, signal)
    if (opened !== undefined) return opened
  }
  if (ggufName !== undefined) {
    const { openGgufAdapter } = await import('./adapter-gguf.ts')
    return openGgufAdapter(files, ggufName, config, signal)
  }
  const why = absenceOf(files, ['adapter_config.json'])
  throw new CheckpointError(
    { file: 'adapter_config.json' },
    `is missing from ${files.label}: an adapter is a folder with it and adapter_model.safetensors, or a .gguf${why}`,
  )
}
