// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const loraDown: TypedShader<'x' | 'down' | 'rows' | 'slots' | 'adapter', never, 'GATHER'> = {
  "name": "lora_down",
  "needs": [
    "weights"
  ],
  "code": "override GATHER:bool=false;\nconst THREADS=64u;\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\n@group(0)@binding(1)var<storage,read_write>down:array<vec4f>;\n@group(0)@binding(4)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(5)var<storage,read>slots:array<u32>;\n@group(0)@binding(6)var<storage,read>adapter:array<vec4u>;\nvar<workgroup>partial:array<vec4f,THREADS>;\n@compute @workgroup_size(THREADS)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nlet row=group.y;\nvar source=row;\nif(GATHER){source=rows[row].z;}\nlet quads=adapter[0].y;\nif(slots[rows[source].x]!=adapter[0].x||group.x>=quads){return;}\nlet first=group.x*4u;\nvar sum=vec4f();\nfor(var quad=thread;quad<K_BLOCKS*8u;quad+=THREADS){\nlet inputs=x[row*K_BLOCKS*8u+quad];\nsum+=vec4f(\ndot(weight_quad(first,quad),inputs),\ndot(weight_quad(first+1u,quad),inputs),\ndot(weight_quad(first+2u,quad),inputs),\ndot(weight_quad(first+3u,quad),inputs),\n);\n}\npartial[thread]=sum;\nfor(var half=THREADS/2u;half>0u;half/=2u){\nworkgroupBarrier();\nif(thread<half){partial[thread]+=partial[thread+half];}\n}\nworkgroupBarrier();\nif(thread==0u){\nlet scale=bitcast<f32>(adapter[1][group.x/adapter[0].z]);\ndown[row*quads+group.x]=scale*partial[0];\n}\n}"
}

export const loraUp: TypedShader<'x' | 'y' | 'rows' | 'slots' | 'adapter', 'N' | 'STRIDE', 'FIRST' | 'SECOND' | 'THIRD' | 'INTERLEAVED' | 'GATHER'> = {
  "name": "lora_up",
  "needs": [
    "weights",
    "start"
  ],
  "code": "override FIRST:u32=0u;\noverride N:u32;\noverride STRIDE:u32;\noverride SECOND:u32=0xffffffffu;\noverride THIRD:u32=0xffffffffu;\noverride INTERLEAVED:bool=false;\noverride GATHER:bool=false;\nconst OUTPUTS=128u;\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\n@group(0)@binding(1)var<storage,read_write>y:array<vec2f>;\n@group(0)@binding(4)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(5)var<storage,read>slots:array<u32>;\n@group(0)@binding(6)var<storage,read>adapter:array<vec4u>;\n@compute @workgroup_size(OUTPUTS/2u)\nfn main(@builtin(global_invocation_id)id:vec3u){\nlet row=id.y;\nlet col=FIRST+id.x*2u;\nvar source=row;\nif(GATHER){source=rows[row].z;}\nlet slot=adapter[0].x;\nif(col>=N||(slot!=0xffffffffu&&slots[rows[source].x]!=slot)){return;}\nvar sum=start_pair(row,id.x*2u);\nlet quads=adapter[0].z;\nvar even=row*adapter[0].y+quads*(u32(col>=SECOND)+u32(col>=THIRD));\nvar odd=even;\nif(INTERLEAVED){odd+=quads;}\nfor(var quad=0u;quad<quads;quad++){\nlet a=x[even+quad];\nlet b=x[odd+quad];\nfor(var i=0u;i<4u;i++){\nlet weights4=weight_quad(4u*quad+i,col/4u);\nsum+=vec2f(a[i],b[i])*select(weights4.xy,weights4.zw,col%4u==2u);\n}\n}\ny[(row*STRIDE+col)/2u]=sum;\n}"
}

export const startRows: TypedShader<'start', 'START_STRIDE', never> = {
  "name": "start_rows",
  "provides": "start",
  "code": "override START_STRIDE:u32;\n@group(0)@binding(8)var<storage,read>start:array<vec2f>;\nfn start_pair(row:u32,col:u32)->vec2f{\nreturn start[(row*START_STRIDE+FIRST+col)/2u];\n}"
}
