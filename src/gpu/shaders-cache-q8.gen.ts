// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const cachePackQ8: TypedShader<'rows' | 'unpacked' | 'cache', 'HEAD_STRIDE' | 'N_KV_HEADS' | 'RING' | 'WORDS' | 'UNPACKED_AT' | 'VALUES_AT', 'QUADS' | 'SCALES'> = {
  "name": "cache_pack_q8",
  "code": "override HEAD_STRIDE:u32;\noverride N_KV_HEADS:u32;\noverride RING:u32;\noverride WORDS:u32;\noverride UNPACKED_AT:u32;\noverride VALUES_AT:u32;\nconst THREADS=64u;\nconst BLOCK_QUADS=8u;\noverride QUADS:u32=HEAD_STRIDE/4u;\noverride SCALES:u32=WORDS-QUADS;\n@group(0)@binding(0)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(1)var<storage,read>unpacked:array<vec4f>;\n@group(0)@binding(2)var<storage,read_write>cache:array<u32>;\nfn pack_block(first:u32,to:u32,quad:u32)->u32{\nlet end=min(quad+BLOCK_QUADS,QUADS);\nvar most=vec4f();\nfor(var i=quad;i<end;i++){most=max(most,abs(unpacked[first+i]));}\nlet largest=min(max(max(most.x,most.y),max(most.z,most.w)),3e38);\nlet bits=(bitcast<u32>(largest/127.0)+0xffffu)>>16u;\nlet scale=bitcast<f32>(bits<<16u);\nvar by=0.0;\nif(scale>1e-37){by=1.0/scale;}\nfor(var i=quad;i<end;i++){\nlet numbers=vec4i(clamp(round(unpacked[first+i]*by),vec4f(-127.0),vec4f(127.0)));\nlet bytes=(bitcast<vec4u>(numbers)&vec4u(255u))<<vec4u(0u,8u,16u,24u);\ncache[to+i]=bytes.x|bytes.y|bytes.z|bytes.w;\n}\nreturn bits;\n}\n@compute @workgroup_size(THREADS)\nfn main(@builtin(global_invocation_id)id:vec3u){\nlet row=rows[id.y];\nif(id.x>=2u*N_KV_HEADS*SCALES||row.y==0xffffffffu){return;}\nlet is_value=id.x>=N_KV_HEADS*SCALES;\nlet kv_head=(id.x/SCALES)%N_KV_HEADS;\nlet word=id.x%SCALES;\nlet first=select(0u,UNPACKED_AT,is_value)+(id.y*N_KV_HEADS+kv_head)*QUADS;\nlet slot=(row.x*N_KV_HEADS+kv_head)*RING+row.y%RING;\nlet to=select(0u,VALUES_AT,is_value)+slot*WORDS;\nlet quad=word*2u*BLOCK_QUADS;\nvar scales=pack_block(first,to,quad);\nif(quad+BLOCK_QUADS<QUADS){scales|=pack_block(first,to,quad+BLOCK_QUADS)<<16u;}\ncache[to+QUADS+word]=scales;\n}"
}

export const cachePairsQ8: TypedShader<'cache', 'VALUES_AT' | 'WORDS', never> = {
  "name": "cache_pairs_q8",
  "provides": "cache_pairs",
  "code": "override VALUES_AT:u32;\noverride WORDS:u32;\n@group(0)@binding(2)var<storage,read>cache:array<u32>;\nfn bytes_of_word(word:u32)->vec4f{\nreturn vec4f(bitcast<vec4i>(vec4u(word)<<vec4u(24u,16u,8u,0u))>>vec4u(24u));\n}\nfn unpack_pair(first:u32,pair:u32)->mat2x4f{\nlet scales=cache[first+QUADS+pair/8u];\nlet scale=bitcast<f32>(select(scales<<16u,scales&0xffff0000u,(pair&4u)!=0u));\nreturn mat2x4f(\nscale*bytes_of_word(cache[first+2u*pair]),\nscale*bytes_of_word(cache[first+2u*pair+1u]),\n);\n}\nfn cache_key_pair(slot:u32,pair:u32)->mat2x4f{\nreturn unpack_pair(slot*WORDS,pair);\n}\nfn cache_value_pair(slot:u32,pair:u32)->mat2x4f{\nreturn unpack_pair(VALUES_AT+slot*WORDS,pair);\n}"
}

export const cacheReadQ8: TypedShader<'cache', 'VALUES_AT' | 'WORDS', never> = {
  "name": "cache_read_q8",
  "provides": "cache_read",
  "code": "override VALUES_AT:u32;\noverride WORDS:u32;\n@group(0)@binding(2)var<storage,read>cache:array<u32>;\nfn unpack_quad(first:u32,quad:u32)->vec4f{\nlet scales=cache[first+QUADS+quad/16u];\nlet scale=bitcast<f32>(select(scales<<16u,scales&0xffff0000u,(quad&8u)!=0u));\nreturn scale*vec4f(bitcast<vec4i>(vec4u(cache[first+quad])<<vec4u(24u,16u,8u,0u))>>vec4u(24u));\n}\nfn cache_key(slot:u32,quad:u32)->vec4f{\nreturn unpack_quad(slot*WORDS,quad);\n}\nfn cache_value(slot:u32,quad:u32)->vec4f{\nreturn unpack_quad(VALUES_AT+slot*WORDS,quad);\n}"
}

export const cacheWriteQ8: TypedShader<'unpacked', 'VALUES_AT', never> = {
  "name": "cache_write_q8",
  "provides": "cache_write",
  "code": "override VALUES_AT:u32;\n@group(0)@binding(7)var<storage,read_write>unpacked:array<vec2f>;\nfn cache_write_key(slot:u32,row:u32,pair:u32,value:vec2f){\nunpacked[row*(HEAD_STRIDE/2u)+pair]=value;\n}\nfn cache_write_value(slot:u32,row:u32,pair:u32,value:vec2f){\nunpacked[VALUES_AT+row*(HEAD_STRIDE/2u)+pair]=value;\n}"
}
