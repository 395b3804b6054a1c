// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const cachePairsF16: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_pairs_f16",
  "provides": "cache_pairs",
  "code": "override VALUES_AT:u32;\n@group(0)@binding(2)var<storage,read>cache:array<vec4u>;\nfn unpack_pair(bits:vec4u)->mat2x4f{\nreturn mat2x4f(\nvec4f(unpack2x16float(bits.x),unpack2x16float(bits.y)),\nvec4f(unpack2x16float(bits.z),unpack2x16float(bits.w)),\n);\n}\nfn cache_key_pair(slot:u32,pair:u32)->mat2x4f{\nreturn unpack_pair(cache[slot*PAIRS+pair]);\n}\nfn cache_value_pair(slot:u32,pair:u32)->mat2x4f{\nreturn unpack_pair(cache[VALUES_AT+slot*PAIRS+pair]);\n}"
}

export const cachePairsF32: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_pairs_f32",
  "provides": "cache_pairs",
  "code": "override VALUES_AT:u32;\n@group(0)@binding(2)var<storage,read>cache:array<vec4f>;\nfn pair_at(at:u32)->mat2x4f{\nreturn mat2x4f(cache[2u*at],cache[2u*at+1u]);\n}\nfn cache_key_pair(slot:u32,pair:u32)->mat2x4f{\nreturn pair_at(slot*PAIRS+pair);\n}\nfn cache_value_pair(slot:u32,pair:u32)->mat2x4f{\nreturn pair_at(VALUES_AT+slot*PAIRS+pair);\n}"
}

export const cacheReadF16: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_read_f16",
  "provides": "cache_read",
  "code": "override VALUES_AT:u32;\n@group(0)@binding(2)var<storage,read>cache:array<vec2u>;\nfn unpack_cached(bits:vec2u)->vec4f{\nreturn vec4f(unpack2x16float(bits.x),unpack2x16float(bits.y));\n}\nfn cache_key(slot:u32,quad:u32)->vec4f{\nreturn unpack_cached(cache[slot*QUADS+quad]);\n}\nfn cache_value(slot:u32,quad:u32)->vec4f{\nreturn unpack_cached(cache[VALUES_AT+slot*QUADS+quad]);\n}"
}

export const cacheReadF16Native: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_read_f16_native",
  "provides": "cache_read",
  "enables": [
    "f16"
  ],
  "code": "override VALUES_AT:u32;\n@group(0)@binding(2)var<storage,read>cache:array<vec4<f16>>;\nfn cache_key(slot:u32,quad:u32)->vec4f{\nreturn vec4f(cache[slot*QUADS+quad]);\n}\nfn cache_value(slot:u32,quad:u32)->vec4f{\nreturn vec4f(cache[VALUES_AT+slot*QUADS+quad]);\n}"
}

export const cacheReadF32: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_read_f32",
  "provides": "cache_read",
  "code": "override VALUES_AT:u32;\n@group(0)@binding(2)var<storage,read>cache:array<vec4f>;\nfn cache_key(slot:u32,quad:u32)->vec4f{\nreturn cache[slot*QUADS+quad];\n}\nfn cache_value(slot:u32,quad:u32)->vec4f{\nreturn cache[VALUES_AT+slot*QUADS+quad];\n}"
}

export const cacheWriteF16: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_write_f16",
  "provides": "cache_write",
  "code": "override VALUES_AT:u32;\n@group(0)@binding(7)var<storage,read_write>cache:array<u32>;\nfn pack_pair(pair:vec2f)->u32{\nreturn pack2x16float(clamp(pair,vec2f(-65504.0),vec2f(65504.0)));\n}\nfn cache_write_key(slot:u32,row:u32,pair:u32,value:vec2f){\ncache[slot*(HEAD_STRIDE/2u)+pair]=pack_pair(value);\n}\nfn cache_write_value(slot:u32,row:u32,pair:u32,value:vec2f){\ncache[VALUES_AT+slot*(HEAD_STRIDE/2u)+pair]=pack_pair(value);\n}"
}

export const cacheWriteF32: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_write_f32",
  "provides": "cache_write",
  "code": "override VALUES_AT:u32;\n@group(0)@binding(7)var<storage,read_write>cache:array<vec2f>;\nfn cache_write_key(slot:u32,row:u32,pair:u32,value:vec2f){\ncache[slot*(HEAD_STRIDE/2u)+pair]=value;\n}\nfn cache_write_value(slot:u32,row:u32,pair:u32,value:vec2f){\ncache[VALUES_AT+slot*(HEAD_STRIDE/2u)+pair]=value;\n}"
}
