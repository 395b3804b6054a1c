// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const emitNorm: TypedShader<'y' | 'gain' | 'h', 'Y_STRIDE' | 'SQUARES_AT', 'ADD'> = {
  "name": "emit_norm",
  "provides": "emit",
  "code": "override Y_STRIDE:u32;\noverride SQUARES_AT:u32;\noverride ADD:bool=true;\n@group(0)@binding(4)var<storage,read_write>y:array<vec2f>;\n@group(0)@binding(5)var<storage,read>gain:array<vec2f>;\n@group(0)@binding(6)var<storage,read_write>h:array<f32>;\nfn emit(row:u32,col:u32,a:f32,b:f32){\nif(col>=N){return;}\nlet at=row*Y_STRIDE+col;\nvar pair=vec2f(a,select(0.0,b,col+1u<N));\nif(ADD){pair+=y[at/2u];}\ny[at/2u]=pair;\nlet scaled=pair*gain[col/2u];\nh[at]=scaled.x;\nh[at+1u]=scaled.y;\nh[SQUARES_AT+at/2u]=dot(pair,pair);\n}"
}

export const scaleNorm: TypedShader<never, 'D' | 'EPS' | 'SQUARES_FROM', 'SHARES' | 'SUMS'> = {
  "name": "scale_norm",
  "provides": "scale",
  "code": "override D:u32;\noverride EPS:f32;\noverride SQUARES_FROM:u32;\noverride SHARES:u32=max(1u,WORKGROUP/GROUP_ROWS);\noverride SUMS:u32=min(8u,SHARES);\nvar<workgroup>shares:array<f32,GROUP_ROWS*SHARES>;\nvar<workgroup>sums:array<f32,GROUP_ROWS*SUMS>;\nfn measure_rows(first_row:u32,thread:u32){\nfor(var i=thread;i<GROUP_ROWS*SHARES;i+=WORKGROUP){\nlet at=SQUARES_FROM+(first_row+i/SHARES)*K_BLOCKS*4u;\nvar sum=vec4f();\nfor(var quad=i%SHARES;quad<K_BLOCKS*4u;quad+=SHARES){sum+=x[at+quad];}\nshares[i]=dot(sum,vec4f(1.0));\n}\nworkgroupBarrier();\nfor(var i=thread;i<GROUP_ROWS*SUMS;i+=WORKGROUP){\nvar sum=0.0;\nfor(var share=i%SUMS;share<SHARES;share+=SUMS){sum+=shares[i/SUMS*SHARES+share];}\nsums[i]=sum;\n}\nworkgroupBarrier();\n}\nfn row_scale(row:u32)->f32{\nvar sum=0.0;\nfor(var i=0u;i<SUMS;i++){sum+=sums[row*SUMS+i];}\nreturn inverseSqrt(sum/f32(D)+EPS);\n}"
}
