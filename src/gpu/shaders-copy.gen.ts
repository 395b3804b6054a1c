// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const cacheCopy: TypedShader<'plan' | 'cache', 'WORDS' | 'RING' | 'N_KV_HEADS' | 'VALUES_AT', 'WORKGROUP'> = {
  "name": "cache_copy",
  "code": "override WORDS:u32;\noverride RING:u32;\noverride N_KV_HEADS:u32;\noverride VALUES_AT:u32;\noverride WORKGROUP:u32=256u;\n@group(0)@binding(0)var<storage,read>plan:array<u32>;\n@group(0)@binding(1)var<storage,read_write>cache:array<u32>;\n@compute @workgroup_size(WORKGROUP)\nfn main(\n@builtin(global_invocation_id)id:vec3u,\n@builtin(num_workgroups)groups:vec3u,\n){\nlet from_word=(plan[0]*N_KV_HEADS+id.y)*RING*WORDS;\nlet to_word=(plan[1]*N_KV_HEADS+id.y)*RING*WORDS;\nfor(var i=id.x;i<min(plan[2],RING)*WORDS;i+=groups.x*WORKGROUP){\ncache[to_word+i]=cache[from_word+i];\ncache[VALUES_AT+to_word+i]=cache[VALUES_AT+from_word+i];\n}\n}"
}
