// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const digest: TypedShader<'words' | 'digest', never, never> = {
  "name": "digest",
  "code": "const THREADS=256u;\nconst MOST_WORDS=64u;\n@group(0)@binding(0)var<storage,read>words:array<u32>;\n@group(0)@binding(1)var<storage,read_write>digest:array<u32>;\n@compute @workgroup_size(THREADS)\nfn main(@builtin(local_invocation_id)id:vec3u){\nlet count=arrayLength(&words);\nlet stride=max(1u,count/(THREADS*MOST_WORDS));\nvar hash=digest[id.x]^count;\nfor(var i=id.x*stride;i<count;i+=THREADS*stride){\nhash=(hash^words[i])*0x9e3779b1u;\nhash^=hash>>15u;\n}\ndigest[id.x]=hash;\n}"
}
