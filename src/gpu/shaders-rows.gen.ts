// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const matmulRows: TypedShader<'x', 'N' | 'LANES' | 'ROWS', 'FIRST' | 'WORKGROUP' | 'GROUP_ROWS'> = {
  "name": "matmul_rows",
  "needs": [
    "rows",
    "products",
    "share",
    "scale",
    "start",
    "emit"
  ],
  "code": "override FIRST:u32=0u;\noverride N:u32;\noverride LANES:u32;\noverride ROWS:u32;\noverride WORKGROUP:u32=LANES;\noverride GROUP_ROWS:u32=ROWS;\nconst OUTPUTS=4u;\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)lane:u32){\nlet col=(group.x*LANES+lane)*OUTPUTS;\nlet first_row=first_row_of(group.y);\nvar s:array<vec4f,8>;\nfor(var block=0u;block<K_BLOCKS;block++){\nlet w=load_four(col,block);\nlet m=all_columns(w);\ns[0]+=block_products(w,m,load_shared(first_row,0u,block,lane));\nif(ROWS>1u){\ns[1]+=block_products(w,m,load_shared(first_row,1u,block,lane));\ns[2]+=block_products(w,m,load_shared(first_row,2u,block,lane));\ns[3]+=block_products(w,m,load_shared(first_row,3u,block,lane));\n}\nif(ROWS>4u){\ns[4]+=block_products(w,m,load_shared(first_row,4u,block,lane));\ns[5]+=block_products(w,m,load_shared(first_row,5u,block,lane));\ns[6]+=block_products(w,m,load_shared(first_row,6u,block,lane));\ns[7]+=block_products(w,m,load_shared(first_row,7u,block,lane));\n}\n}\nmeasure_rows(first_row,lane);\nfor(var i=0u;i<2u*ROWS+group.z;i++){\nlet row=i/2u;\nlet kept=s[row];\nlet pair=row_scale(row)*select(kept.xy,kept.zw,(i&1u)==1u);\nlet output=col+2u*(i&1u);\nlet first=start_pair(first_row+row,output);\nemit(first_row+row,FIRST+output,first.x+pair.x,first.y+pair.y);\n}\n}"
}

export const matmulWide: TypedShader<'x', 'N' | 'LANES' | 'ROWS' | 'OUTPUTS', 'FIRST' | 'WORKGROUP' | 'GROUP_ROWS'> = {
  "name": "matmul_wide",
  "needs": [
    "rows",
    "products",
    "share",
    "scale",
    "start",
    "emit"
  ],
  "code": "override FIRST:u32=0u;\noverride N:u32;\noverride LANES:u32;\noverride ROWS:u32;\noverride OUTPUTS:u32;\noverride WORKGROUP:u32=LANES;\noverride GROUP_ROWS:u32=ROWS;\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\nstruct Eight{\nlow:Four,\nhigh:Four,\nlow_columns:Columns,\nhigh_columns:Columns,\n}\nfn load_eight(row:u32,block:u32)->Eight{\nlet low=load_four(row,block);\nlet high=load_four(row+4u,block);\nreturn Eight(low,high,all_columns(low),all_columns(high));\n}\nfn eight_products(w:Eight,x:Shared)->mat2x4f{\nreturn mat2x4f(block_products(w.low,w.low_columns,x),block_products(w.high,w.high_columns,x));\n}\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)lane:u32){\nlet col=(group.x*LANES+lane)*OUTPUTS;\nlet first_row=first_row_of(group.y);\nvar s:array<mat2x4f,16>;\nfor(var block=0u;block<K_BLOCKS;block++){\nlet w=load_eight(col,block);\ns[0]+=eight_products(w,load_shared(first_row,0u,block,lane));\ns[1]+=eight_products(w,load_shared(first_row,1u,block,lane));\ns[2]+=eight_products(w,load_shared(first_row,2u,block,lane));\ns[3]+=eight_products(w,load_shared(first_row,3u,block,lane));\ns[4]+=eight_products(w,load_shared(first_row,4u,block,lane));\ns[5]+=eight_products(w,load_shared(first_row,5u,block,lane));\ns[6]+=eight_products(w,load_shared(first_row,6u,block,lane));\ns[7]+=eight_products(w,load_shared(first_row,7u,block,lane));\ns[8]+=eight_products(w,load_shared(first_row,8u,block,lane));\ns[9]+=eight_products(w,load_shared(first_row,9u,block,lane));\ns[10]+=eight_products(w,load_shared(first_row,10u,block,lane));\ns[11]+=eight_products(w,load_shared(first_row,11u,block,lane));\ns[12]+=eight_products(w,load_shared(first_row,12u,block,lane));\ns[13]+=eight_products(w,load_shared(first_row,13u,block,lane));\ns[14]+=eight_products(w,load_shared(first_row,14u,block,lane));\ns[15]+=eight_products(w,load_shared(first_row,15u,block,lane));\n}\nmeasure_rows(first_row,lane);\nfor(var i=0u;i<4u*ROWS+group.z;i++){\nlet row=i/4u;\nlet quad=(i/2u)&1u;\nlet kept=select(s[row][0],s[row][1],quad==1u);\nlet pair=row_scale(row)*select(kept.xy,kept.zw,(i&1u)==1u);\nlet output=col+4u*quad+2u*(i&1u);\nlet first=start_pair(first_row+row,output);\nemit(first_row+row,FIRST+output,first.x+pair.x,first.y+pair.y);\n}\n}"
}

export const productsFour: TypedShader<never, never, never> = {
  "name": "products_four",
  "provides": "products",
  "code": "struct Four{\na:RowBlock,\nb:RowBlock,\nc:RowBlock,\nd:RowBlock,\n}\nfn load_four(row:u32,block:u32)->Four{\nreturn Four(\nload_row_block(row,block),\nload_row_block(row+1u,block),\nload_row_block(row+2u,block),\nload_row_block(row+3u,block),\n);\n}\nfn columns(w:Four,quad:u32)->mat4x4f{\nreturn transpose(mat4x4f(row_quad(w.a,quad),row_quad(w.b,quad),row_quad(w.c,quad),row_quad(w.d,quad)));\n}\nstruct Columns{\nq0:mat4x4f,\nq1:mat4x4f,\nq2:mat4x4f,\nq3:mat4x4f,\nq4:mat4x4f,\nq5:mat4x4f,\nq6:mat4x4f,\nq7:mat4x4f,\n}\nfn all_columns(w:Four)->Columns{\nreturn Columns(\ncolumns(w,0u),columns(w,1u),columns(w,2u),columns(w,3u),\ncolumns(w,4u),columns(w,5u),columns(w,6u),columns(w,7u),\n);\n}\nfn add_products(sum:vec4f,m:mat4x4f,v:vec4f)->vec4f{\nreturn fma(m[3],vec4f(v.w),fma(m[2],vec4f(v.z),fma(m[1],vec4f(v.y),fma(m[0],vec4f(v.x),sum))));\n}\nfn scaled(w:Four,half:u32,sum:vec4f,x:Shared)->vec4f{\nlet scale=vec4f(w.a.scale[half],w.b.scale[half],w.c.scale[half],w.d.scale[half]);\nif(!HAS_MINIMUM){return scale*sum;}\nlet inputs=shared_sums(x);\nlet minimum=vec4f(w.a.minimum[half],w.b.minimum[half],w.c.minimum[half],w.d.minimum[half]);\nreturn scale*sum-minimum*select(inputs.x+inputs.y,inputs[half],HAS_HALVES);\n}\nfn block_products(w:Four,m:Columns,x:Shared)->vec4f{\nvar sum=add_products(vec4f(),m.q0,shared_quad(x,0u));\nsum=add_products(sum,m.q1,shared_quad(x,1u));\nsum=add_products(sum,m.q2,shared_quad(x,2u));\nsum=add_products(sum,m.q3,shared_quad(x,3u));\nvar low=vec4f();\nif(HAS_HALVES){\nlow=scaled(w,0u,sum,x);\nsum=vec4f();\n}\nsum=add_products(sum,m.q4,shared_quad(x,4u));\nsum=add_products(sum,m.q5,shared_quad(x,5u));\nsum=add_products(sum,m.q6,shared_quad(x,6u));\nsum=add_products(sum,m.q7,shared_quad(x,7u));\nreturn low+scaled(w,1u,sum,x);\n}"
}

export const rowsBlocks: TypedShader<never, 'K_BLOCKS', never> = {
  "name": "rows_blocks",
  "provides": "rows",
  "needs": [
    "block"
  ],
  "code": "override K_BLOCKS:u32;\nconst X_SCALE=vec4f(1.0);\nconst HAS_HALVES=true;\nalias RowBlock=Block;\nfn load_row_block(row:u32,block:u32)->RowBlock{\nreturn load_block(row,block);\n}\nfn row_quad(block:RowBlock,quad:u32)->vec4f{\nreturn block_quad(block,quad);\n}"
}

export const rowsHalves: TypedShader<'weights', 'K_BLOCKS', never> = {
  "name": "rows_halves",
  "provides": "rows",
  "needs": [
    "halves"
  ],
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\nconst X_SCALE=vec4f(1.0);\nconst HAS_HALVES=false;\nconst HAS_MINIMUM=false;\nstruct RowBlock{\nscale:vec2f,\nminimum:vec2f,\na:vec4u,\nb:vec4u,\nc:vec4u,\nd:vec4u,\n}\nfn load_row_block(row:u32,block:u32)->RowBlock{\nlet at=(row*K_BLOCKS+block)*4u;\nreturn RowBlock(vec2f(1.0),vec2f(),weights[at],weights[at+1u],weights[at+2u],weights[at+3u]);\n}\nfn row_quad(block:RowBlock,quad:u32)->vec4f{\nvar words=block.a;\nif(quad>1u){words=block.b;}\nif(quad>3u){words=block.c;}\nif(quad>5u){words=block.d;}\nreturn unpack_quad(select(words.xy,words.zw,(quad&1u)==1u));\n}"
}

export const rowsQ4: TypedShader<'weights' | 'scales', 'K_BLOCKS', never> = {
  "name": "rows_q4",
  "provides": "rows",
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst X_SCALE=vec4f(1.0);\nconst HAS_HALVES=false;\nconst HAS_MINIMUM=false;\nstruct RowBlock{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\n}\nfn load_row_block(row:u32,block:u32)->RowBlock{\nlet at=row*K_BLOCKS+block;\nlet scale=0x1p-28*unpack2x16float(scales[at/2u]>>(16u*(at&1u))).x;\nreturn RowBlock(vec2f(scale),vec2f(),weights[at]^vec4u(0x88888888u));\n}\nfn row_quad(block:RowBlock,quad:u32)->vec4f{\nlet tops=vec4u(block.quants[quad/2u])<<(vec4u(28u,20u,12u,4u)-4u*(quad&1u));\nreturn vec4f(bitcast<vec4i>(tops&vec4u(0xf0000000u)));\n}"
}

export const rowsQ8: TypedShader<'weights' | 'scales', 'K_BLOCKS', never> = {
  "name": "rows_q8",
  "provides": "rows",
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst X_SCALE=vec4f(1.0);\nconst HAS_HALVES=false;\nconst HAS_MINIMUM=false;\nstruct RowBlock{\nscale:vec2f,\nminimum:vec2f,\nlow:vec4u,\nhigh:vec4u,\n}\nfn load_row_block(row:u32,block:u32)->RowBlock{\nlet at=row*K_BLOCKS+block;\nlet scale=unpack2x16float(scales[at/2u]>>(16u*(at&1u))).x;\nreturn RowBlock(vec2f(scale),vec2f(),weights[at*2u],weights[at*2u+1u]);\n}\nfn row_quad(block:RowBlock,quad:u32)->vec4f{\nlet word=select(block.low,block.high,quad>3u)[quad&3u];\nreturn vec4f(bitcast<vec4i>(vec4u(word)<<vec4u(24u,16u,8u,0u))>>vec4u(24u));\n}"
}

export const rowsWeights: TypedShader<never, never, never> = {
  "name": "rows_weights",
  "provides": "rows",
  "needs": [
    "weights"
  ],
  "code": "const X_SCALE=vec4f(1.0);\nconst HAS_HALVES=false;\nconst HAS_MINIMUM=false;\nstruct RowBlock{\nscale:vec2f,\nminimum:vec2f,\nrow:u32,\nfirst:u32,\n}\nfn load_row_block(row:u32,block:u32)->RowBlock{\nreturn RowBlock(vec2f(1.0),vec2f(),row,block*8u);\n}\nfn row_quad(block:RowBlock,quad:u32)->vec4f{\nreturn weight_quad(block.row,block.first+quad);\n}"
}

export const shareNone: TypedShader<never, never, never> = {
  "name": "share_none",
  "provides": "share",
  "code": "struct Shared{\nx0:vec4f,\nx1:vec4f,\nx2:vec4f,\nx3:vec4f,\nx4:vec4f,\nx5:vec4f,\nx6:vec4f,\nx7:vec4f,\n}\nfn first_row_of(group:u32)->u32{\nreturn group*ROWS;\n}\nfn load_shared(first:u32,row:u32,block:u32,lane:u32)->Shared{\nlet at=((first+row)*K_BLOCKS+block)*8u;\nreturn Shared(x[at],x[at+1u],x[at+2u],x[at+3u],x[at+4u],x[at+5u],x[at+6u],x[at+7u]);\n}\nfn shared_quad(s:Shared,quad:u32)->vec4f{\nswitch quad{\ncase 0u:{return s.x0*X_SCALE;}\ncase 1u:{return s.x1*X_SCALE;}\ncase 2u:{return s.x2*X_SCALE;}\ncase 3u:{return s.x3*X_SCALE;}\ncase 4u:{return s.x4*X_SCALE;}\ncase 5u:{return s.x5*X_SCALE;}\ncase 6u:{return s.x6*X_SCALE;}\ndefault:{return s.x7*X_SCALE;}\n}\n}\nfn shared_sums(s:Shared)->vec2f{\nlet one=vec4f(1.0);\nreturn vec2f(dot(s.x0+s.x1+s.x2+s.x3,one),dot(s.x4+s.x5+s.x6+s.x7,one));\n}"
}

export const shareSubgroup: TypedShader<never, never, never> = {
  "name": "share_subgroup",
  "provides": "share",
  "enables": [
    "subgroups"
  ],
  "code": "struct Shared{\nlow:vec4f,\nhigh:vec4f,\nsums:vec2f,\n}\nfn first_row_of(group:u32)->u32{\nreturn group*ROWS;\n}\nfn load_shared(first:u32,row:u32,block:u32,lane:u32)->Shared{\nlet at=((first+row)*K_BLOCKS+block)*8u+lane;\nlet low=x[at];\nvar high=vec4f();\nif(LANES==4u){high=x[at+4u];}\nlet one=vec4f(1.0);\nreturn Shared(low*X_SCALE,high*X_SCALE,vec2f(dot(low,one),dot(high,one)));\n}\nfn shared_quad(s:Shared,quad:u32)->vec4f{\nreturn subgroupShuffle(select(s.low,s.high,quad>=LANES),quad%LANES);\n}\nfn shared_sums(s:Shared)->vec2f{\nlet low=vec4f(\nsubgroupBroadcast(s.sums.x,0u),subgroupBroadcast(s.sums.x,1u),\nsubgroupBroadcast(s.sums.x,2u),subgroupBroadcast(s.sums.x,3u),\n);\nvar high:vec4f;\nif(LANES==4u){\nhigh=vec4f(\nsubgroupBroadcast(s.sums.y,0u),subgroupBroadcast(s.sums.y,1u),\nsubgroupBroadcast(s.sums.y,2u),subgroupBroadcast(s.sums.y,3u),\n);\n}else{\nhigh=vec4f(\nsubgroupBroadcast(s.sums.x,4u),subgroupBroadcast(s.sums.x,5u),\nsubgroupBroadcast(s.sums.x,6u),subgroupBroadcast(s.sums.x,7u),\n);\n}\nreturn vec2f(low.x+low.y+low.z+low.w,high.x+high.y+high.z+high.w);\n}"
}

export const shareUniform: TypedShader<'x0' | 'x1' | 'x2' | 'x3' | 'x4' | 'x5' | 'x6' | 'x7', 'QUADS' | 'X_QUADS', never> = {
  "name": "share_uniform",
  "provides": "share",
  "enables": [
    "subgroups"
  ],
  "code": "override QUADS:u32;\noverride X_QUADS:u32;\n@group(0)@binding(9)var<uniform>x0:array<vec4f,QUADS>;\n@group(0)@binding(10)var<uniform>x1:array<vec4f,QUADS>;\n@group(0)@binding(11)var<uniform>x2:array<vec4f,QUADS>;\n@group(0)@binding(12)var<uniform>x3:array<vec4f,QUADS>;\n@group(0)@binding(13)var<uniform>x4:array<vec4f,QUADS>;\n@group(0)@binding(14)var<uniform>x5:array<vec4f,QUADS>;\n@group(0)@binding(15)var<uniform>x6:array<vec4f,QUADS>;\n@group(0)@binding(16)var<uniform>x7:array<vec4f,QUADS>;\nstruct Shared{\nlow:vec4f,\nsums:f32,\n}\nfn first_row_of(group:u32)->u32{\nreturn(X_QUADS-arrayLength(&x))/QUADS;\n}\nfn uniform_quad(row:u32,quad:u32)->vec4f{\nswitch row{\ncase 0u:{return x0[quad];}\ncase 1u:{return x1[quad];}\ncase 2u:{return x2[quad];}\ncase 3u:{return x3[quad];}\ncase 4u:{return x4[quad];}\ncase 5u:{return x5[quad];}\ncase 6u:{return x6[quad];}\ndefault:{return x7[quad];}\n}\n}\nfn load_shared(first:u32,row:u32,block:u32,lane:u32)->Shared{\nlet low=uniform_quad(row,block*8u+lane);\nreturn Shared(low*X_SCALE,dot(low,vec4f(1.0)));\n}\nfn shared_quad(s:Shared,quad:u32)->vec4f{\nreturn subgroupShuffle(s.low,quad);\n}\nfn shared_sums(s:Shared)->vec2f{\nlet low=vec4f(\nsubgroupBroadcast(s.sums,0u),subgroupBroadcast(s.sums,1u),\nsubgroupBroadcast(s.sums,2u),subgroupBroadcast(s.sums,3u),\n);\nlet high=vec4f(\nsubgroupBroadcast(s.sums,4u),subgroupBroadcast(s.sums,5u),\nsubgroupBroadcast(s.sums,6u),subgroupBroadcast(s.sums,7u),\n);\nreturn vec2f(low.x+low.y+low.z+low.w,high.x+high.y+high.z+high.w);\n}"
}

export const shareUniforms: TypedShader<'x0' | 'x1' | 'x2' | 'x3' | 'x4' | 'x5' | 'x6' | 'x7' | 'x8' | 'x9' | 'x10' | 'x11', 'QUADS' | 'X_QUADS' | 'EACH' | 'UNIFORM_QUADS', never> = {
  "name": "share_uniforms",
  "provides": "share",
  "enables": [
    "subgroups"
  ],
  "code": "override QUADS:u32;\noverride X_QUADS:u32;\noverride EACH:u32;\noverride UNIFORM_QUADS:u32;\n@group(0)@binding(9)var<uniform>x0:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(10)var<uniform>x1:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(11)var<uniform>x2:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(12)var<uniform>x3:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(13)var<uniform>x4:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(14)var<uniform>x5:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(15)var<uniform>x6:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(16)var<uniform>x7:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(17)var<uniform>x8:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(18)var<uniform>x9:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(19)var<uniform>x10:array<vec4f,UNIFORM_QUADS>;\n@group(0)@binding(20)var<uniform>x11:array<vec4f,UNIFORM_QUADS>;\nstruct Shared{\nlow:vec4f,\nsums:f32,\n}\nfn first_row_of(group:u32)->u32{\nreturn(X_QUADS-arrayLength(&x))/QUADS;\n}\nfn uniform_quad(row:u32,quad:u32)->vec4f{\nlet at=(row%EACH)*QUADS+quad;\nswitch row/EACH{\ncase 0u:{return x0[at];}\ncase 1u:{return x1[at];}\ncase 2u:{return x2[at];}\ncase 3u:{return x3[at];}\ncase 4u:{return x4[at];}\ncase 5u:{return x5[at];}\ncase 6u:{return x6[at];}\ncase 7u:{return x7[at];}\ncase 8u:{return x8[at];}\ncase 9u:{return x9[at];}\ncase 10u:{return x10[at];}\ncase 11u:{return x11[at];}\ndefault:{return x[row*QUADS+quad];}\n}\n}\nfn load_shared(first:u32,row:u32,block:u32,lane:u32)->Shared{\nlet low=uniform_quad(row,block*8u+lane);\nreturn Shared(low*X_SCALE,dot(low,vec4f(1.0)));\n}\nfn shared_quad(s:Shared,quad:u32)->vec4f{\nreturn subgroupShuffle(s.low,quad);\n}\nfn shared_sums(s:Shared)->vec2f{\nlet low=vec4f(\nsubgroupBroadcast(s.sums,0u),subgroupBroadcast(s.sums,1u),\nsubgroupBroadcast(s.sums,2u),subgroupBroadcast(s.sums,3u),\n);\nlet high=vec4f(\nsubgroupBroadcast(s.sums,4u),subgroupBroadcast(s.sums,5u),\nsubgroupBroadcast(s.sums,6u),subgroupBroadcast(s.sums,7u),\n);\nreturn vec2f(low.x+low.y+low.z+low.w,high.x+high.y+high.z+high.w);\n}"
}
