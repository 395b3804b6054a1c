/** The options that say how much memory a model takes. */

/** `native` keeps what the file has; the others are the layouts that matrices may be quantized to while loading. */
export const WEIGHTS_OPTIONS = ['native', 'q8', 'q4'] as const
export type WeightsOption = (typeof WEIGHTS_OPTIONS)[number]

export interface SizeOptions {
  /** `'native'` (default) keeps the checkpoint's types; `'q8'` and `'q4'` quantize in blocks of 32 while loading. */
  weights?: WeightsOption | undefined
  /**
   * Type of the key/value cache. `'auto'` (default) is f16 where the device has `shader-f16`, f32 elsewhere. `'q8'` takes about
   * half of f16: blocks of 32 elements of 8 bits with a scale.
   */
  kvCache?: 'auto' | 'f16' | 'f32' | 'q8' | undefined
  /**
   * Positions of one sequence, prompt and answer together. `'auto'` (default) takes what the model was trained for as far as the
   * device and `maxMemory` hold it. Without `maxMemory` the cache grows to a quarter of the weights' bytes at most, but 4096
   * positions are taken whatever their size.
   */
  contextLength?: number | 'auto' | undefined
  /** Sequences that the cache keeps side by side. Default 1. */
  maxSequences?: number | undefined
  /** Rows of the prompt that are computed at a time. Default 256. */
  prefillChunk?: number | undefined
  /** Bytes of the GPU's memory that the model may take, all buffers together. Default: no bound, as WebGPU does not tell how much there is. */
  maxMemory?: number | undefined
}

/**
 * What limits the context: the positions that the `model` was trained for; the `option` of that name; the `device`, whose buffers
 * hold no more; `memory`, that is the option `maxMemory`; or the `default`, which leaves memory to others.
 */
export type ContextLimit = 'model' | 'option' | 'device' | 'memory' | 'default'
