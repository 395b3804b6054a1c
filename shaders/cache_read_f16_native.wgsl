// provides: cache_read
enable f16;

@group(0) @binding(2) var<storage, read> keys: array<vec4<f16>>; // [sequences, N_KV_HEADS, RING, HEAD_STRIDE / 4]
@group(0) @binding(3) var<storage, read> values: array<vec4<f16>>; // [sequences, N_KV_HEADS, RING, HEAD_STRIDE / 4]

fn cache_key(at: u32) -> vec4f {
  return vec4f(keys[at]);
}

fn cache_value(at: u32) -> vec4f {
  return vec4f(values[at]);
}
