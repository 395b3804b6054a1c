/** WebGPU's flag values: the globals `GPUBufferUsage` and `GPUMapMode` do not exist in every runtime. */
export const BufferUsage = {
  MAP_READ: 0x0001,
  COPY_SRC: 0x0004,
  COPY_DST: 0x0008,
  UNIFORM: 0x0040,
  STORAGE: 0x0080,
} as const

/** `GPUBufferUsage.QUERY_RESOLVE`; few need it. */
export const QUERY_RESOLVE = 0x0200

export const MAP_MODE_READ = 0x0001
export const SHADER_STAGE_COMPUTE = 0x0004
