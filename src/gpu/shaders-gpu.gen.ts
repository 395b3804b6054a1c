// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const matmulMatrix: TypedShader<'x', 'N' | 'ROWS', 'FIRST' | 'M' | 'UNIT_N' | 'K' | 'SUBGROUP' | 'WORKGROUP'> = {
  "name": "matmul_matrix",
  "needs": [
    "weights",
    "scale",
    "start",
    "emit"
  ],
  "enables": [
    "f16",
    "subgroups",
    "chromium_experimental_subgroup_matrix"
  ],
  "code": "override FIRST:u32=0u;\noverride N:u32;\noverride ROWS:u32;\noverride M:u32=8u;\noverride UNIT_N:u32=8u;\noverride K:u32=8u;\noverride SUBGROUP:u32=32u;\noverride WORKGROUP:u32=4u*SUBGROUP;\nconst TILE_ROWS=32u;\nconst TILE_OUTPUTS=64u;\nconst GROUP_ROWS=TILE_ROWS;\nconst GROUP_OUTPUTS=16u;\nconst LARGEST=65504.0;\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\nvar<workgroup>x_tile:array<f16,1024>;\nvar<workgroup>w_tile:array<f16,2048>;\nvar<workgroup>results:array<f32,2048>;\nfn load_tiles(row:u32,col:u32,block:u32,thread:u32){\nfor(var i=thread;i<TILE_ROWS*8u;i+=WORKGROUP){\nlet quad=x[(min(row+i/8u,ROWS-1u)*K_BLOCKS+block)*8u+i%8u];\nlet narrow=vec4<f16>(clamp(quad,vec4f(-LARGEST),vec4f(LARGEST)));\nfor(var k=0u;k<4u;k++){x_tile[4u*i+k]=narrow[k];}\n}\nfor(var i=thread*QUADS_PER_READ;i<TILE_OUTPUTS*8u;i+=WORKGROUP*QUADS_PER_READ){\nlet quads=read_quads(min(col+i/8u,N-FIRST-1u),block*8u+i%8u);\nfor(var q=0u;q<QUADS_PER_READ;q++){\nlet narrow=vec4<f16>(quad_of(quads,q));\nfor(var k=0u;k<4u;k++){w_tile[4u*(i+q)+k]=narrow[k];}\n}\n}\n}\n@compute @workgroup_size(WORKGROUP)\nfn main(\n@builtin(workgroup_id)group:vec3u,\n@builtin(local_invocation_index)thread:u32,\n@builtin(subgroup_id)piece:u32,\n){\nlet row=group.y*TILE_ROWS;\nlet col=group.x*TILE_OUTPUTS;\nvar sums:array<subgroup_matrix_result<f32,UNIT_N,M>,(TILE_ROWS/M)*(GROUP_OUTPUTS/UNIT_N)>;\nfor(var block=0u;block<K_BLOCKS;block++){\nload_tiles(row,col,block,thread);\nworkgroupBarrier();\nif(piece<4u){\nfor(var k=0u;k<32u;k+=K){\nfor(var n=0u;n<GROUP_OUTPUTS/UNIT_N;n++){\nlet w_at=(piece*GROUP_OUTPUTS+n*UNIT_N)*32u+k;\nlet right=subgroupMatrixLoad<subgroup_matrix_right<f16,UNIT_N,K>,col_major>(&w_tile,w_at,32u);\nfor(var m=0u;m<TILE_ROWS/M;m++){\nlet left=subgroupMatrixLoad<subgroup_matrix_left<f16,K,M>,row_major>(&x_tile,m*M*32u+k,32u);\nlet at=m*(GROUP_OUTPUTS/UNIT_N)+n;\nsums[at]=subgroupMatrixMultiplyAccumulate(left,right,sums[at]);\n}\n}\n}\n}\nworkgroupBarrier();\n}\nif(piece<4u){\nfor(var n=0u;n<GROUP_OUTPUTS/UNIT_N;n++){\nfor(var m=0u;m<TILE_ROWS/M;m++){\nlet to=m*M*TILE_OUTPUTS+piece*GROUP_OUTPUTS+n*UNIT_N;\nsubgroupMatrixStore<row_major>(&results,to,sums[m*(GROUP_OUTPUTS/UNIT_N)+n],TILE_OUTPUTS);\n}\n}\n}\nmeasure_rows(row,thread);\nworkgroupBarrier();\nfor(var i=thread;i<TILE_ROWS*TILE_OUTPUTS/2u;i+=WORKGROUP){\nlet r=i/(TILE_OUTPUTS/2u);\nlet output=2u*(i%(TILE_OUTPUTS/2u));\nif(row+r<ROWS){\nlet first=start_pair(row+r,col+output);\nlet at=r*TILE_OUTPUTS+output;\nlet pair=row_scale(r)*vec2f(results[at],results[at+1u]);\nemit(row+r,FIRST+col+output,first.x+pair.x,first.y+pair.y);\n}\n}\n}"
}

export const matmulTile: TypedShader<'x', 'N' | 'ROWS', 'FIRST' | 'ROW_THREADS' | 'COL_THREADS' | 'WORKGROUP' | 'TILE_ROWS' | 'GROUP_ROWS' | 'TILE_OUTPUTS'> = {
  "name": "matmul_tile",
  "needs": [
    "tile",
    "tile_emit"
  ],
  "code": "override FIRST:u32=0u;\noverride N:u32;\noverride ROW_THREADS:u32=8u;\noverride COL_THREADS:u32=8u;\noverride ROWS:u32;\noverride WORKGROUP:u32=ROW_THREADS*COL_THREADS;\noverride TILE_ROWS:u32=4u*ROW_THREADS;\noverride GROUP_ROWS:u32=TILE_ROWS;\noverride TILE_OUTPUTS:u32=8u*COL_THREADS;\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\nconst STRIDE=9u;\n@compute @workgroup_size(COL_THREADS,ROW_THREADS)\nfn main(\n@builtin(workgroup_id)group:vec3u,\n@builtin(local_invocation_id)id:vec3u,\n@builtin(local_invocation_index)thread:u32,\n){\nlet row=group.y*TILE_ROWS;\nlet col=group.x*TILE_OUTPUTS;\nlet output=2u*id.x;\nlet next=2u*COL_THREADS;\nvar a0=vec4f();\nvar a1=vec4f();\nvar a2=vec4f();\nvar a3=vec4f();\nvar b0=vec4f();\nvar b1=vec4f();\nvar b2=vec4f();\nvar b3=vec4f();\nfor(var block=0u;block<K_BLOCKS;block++){\nload_tiles(row,col,block,thread);\nworkgroupBarrier();\nfor(var step=0u;step<TILE_STEPS;step++){\nlet rows=four_rows(id.y,step);\na0+=products(output,step,rows);\nb0+=products(output+1u,step,rows);\na1+=products(output+next,step,rows);\nb1+=products(output+next+1u,step,rows);\na2+=products(output+2u*next,step,rows);\nb2+=products(output+2u*next+1u,step,rows);\na3+=products(output+3u*next,step,rows);\nb3+=products(output+3u*next+1u,step,rows);\n}\nworkgroupBarrier();\n}\nemit_tile(row,col,thread,Sums(a0,b0,a1,b1,a2,b2,a3,b3));\n}"
}

export const quantsBlocks: TypedShader<never, 'K_BLOCKS', never> = {
  "name": "quants_blocks",
  "provides": "quants",
  "needs": [
    "block"
  ],
  "code": "override K_BLOCKS:u32;\nstruct Quants{\nlow:vec4u,\nhigh:vec4u,\nscale:vec2f,\nminimum:vec2f,\n}\nfn packed(block:Block,quad:u32)->u32{\nreturn pack4xI8(vec4i(block_quad(block,quad)));\n}\nfn load_quants(row:u32,at:u32)->Quants{\nlet block=load_block(row,at);\nreturn Quants(\nvec4u(packed(block,0u),packed(block,1u),packed(block,2u),packed(block,3u)),\nvec4u(packed(block,4u),packed(block,5u),packed(block,6u),packed(block,7u)),\nblock.scale,\nblock.minimum,\n);\n}"
}

export const quantsQ4: TypedShader<'weights' | 'scales', 'K_BLOCKS', never> = {
  "name": "quants_q4",
  "provides": "quants",
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=false;\nstruct Quants{\nlow:vec4u,\nhigh:vec4u,\nscale:vec2f,\nminimum:vec2f,\n}\nfn signed_bytes(nibbles:vec4u)->vec4u{\nlet turned=(nibbles&vec4u(0x0f0f0f0fu))^vec4u(0x08080808u);\nreturn turned|((turned&vec4u(0x08080808u))*0x1eu);\n}\nfn load_quants(row:u32,block:u32)->Quants{\nlet at=row*K_BLOCKS+block;\nlet words=weights[at];\nlet scale=unpack2x16float(scales[at/2u])[at&1u];\nlet low=vec4u(words.x,words.x>>4u,words.y,words.y>>4u);\nlet high=vec4u(words.z,words.z>>4u,words.w,words.w>>4u);\nreturn Quants(signed_bytes(low),signed_bytes(high),vec2f(scale),vec2f());\n}"
}

export const quantsQ8: TypedShader<'weights' | 'scales', 'K_BLOCKS', never> = {
  "name": "quants_q8",
  "provides": "quants",
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=false;\nstruct Quants{\nlow:vec4u,\nhigh:vec4u,\nscale:vec2f,\nminimum:vec2f,\n}\nfn load_quants(row:u32,block:u32)->Quants{\nlet at=row*K_BLOCKS+block;\nreturn Quants(weights[2u*at],weights[2u*at+1u],vec2f(unpack2x16float(scales[at/2u])[at&1u]),vec2f());\n}"
}

export const tileEmit: TypedShader<never, never, never> = {
  "name": "tile_emit",
  "provides": "tile_emit",
  "needs": [
    "scale",
    "start",
    "emit"
  ],
  "code": "struct Sums{\na0:vec4f,\nb0:vec4f,\na1:vec4f,\nb1:vec4f,\na2:vec4f,\nb2:vec4f,\na3:vec4f,\nb3:vec4f,\n}\nvar<workgroup>kept:array<vec4f,ROW_THREADS*COL_THREADS*2u>;\nfn emit_tile(row:u32,col:u32,thread:u32,sums:Sums){\nmeasure_rows(row,thread);\nlet at=(thread/COL_THREADS)*2u*COL_THREADS+thread%COL_THREADS;\nfor(var i=0u;i<4u;i++){\nworkgroupBarrier();\nkept[at]=vec4f(sums.a0[i],sums.b0[i],sums.a1[i],sums.b1[i]);\nkept[at+COL_THREADS]=vec4f(sums.a2[i],sums.b2[i],sums.a3[i],sums.b3[i]);\nworkgroupBarrier();\nfor(var n=thread;n<ROW_THREADS*4u*COL_THREADS;n+=ROW_THREADS*COL_THREADS){\nlet pair=n%(4u*COL_THREADS);\nlet y=n/(4u*COL_THREADS);\nlet four=kept[(y*2u+pair/(2u*COL_THREADS))*COL_THREADS+pair%COL_THREADS];\nlet outputs=row_scale(y+ROW_THREADS*i)*select(four.xy,four.zw,(pair/COL_THREADS)%2u==1u);\nlet r=row+y+ROW_THREADS*i;\nif(r<ROWS){\nlet first=start_pair(r,col+2u*pair);\nemit(r,FIRST+col+2u*pair,first.x+outputs.x,first.y+outputs.y);\n}\n}\n}\n}"
}

export const tileF16: TypedShader<never, never, never> = {
  "name": "tile_f16",
  "provides": "tile",
  "needs": [
    "weights"
  ],
  "enables": [
    "f16"
  ],
  "code": "const TILE_STEPS=8u;\nvar<workgroup>x_tile:array<vec4<f16>,TILE_ROWS*STRIDE>;\nvar<workgroup>x_scale:array<f32,TILE_ROWS*2u>;\nvar<workgroup>w_tile:array<vec4<f16>,TILE_OUTPUTS*STRIDE>;\nstruct FourRows{\nquads:mat4x4<f16>,\nscales:vec4f,\n}\nfn largest(q:vec4f)->f32{\nreturn max(max(q.x,q.y),max(q.z,q.w));\n}\nfn load_tiles(row:u32,col:u32,block:u32,thread:u32){\nfor(var i=thread;i<TILE_ROWS*2u;i+=WORKGROUP){\nlet read_at=(min(row+i/2u,ROWS-1u)*K_BLOCKS+block)*8u+(i%2u)*4u;\nlet q0=x[read_at];\nlet q1=x[read_at+1u];\nlet q2=x[read_at+2u];\nlet q3=x[read_at+3u];\nlet most=largest(max(max(abs(q0),abs(q1)),max(abs(q2),abs(q3))));\nlet inverse=select(0.0,1.0/most,most>1e-30);\nlet to=(i/2u)*STRIDE+(i%2u)*4u;\nx_scale[i]=most;\nx_tile[to]=vec4<f16>(q0*inverse);\nx_tile[to+1u]=vec4<f16>(q1*inverse);\nx_tile[to+2u]=vec4<f16>(q2*inverse);\nx_tile[to+3u]=vec4<f16>(q3*inverse);\n}\nfor(var i=thread*QUADS_PER_READ;i<TILE_OUTPUTS*8u;i+=WORKGROUP*QUADS_PER_READ){\nlet quads=read_quads(min(col+i/8u,N-FIRST-1u),block*8u+i%8u);\nfor(var k=0u;k<QUADS_PER_READ;k++){\nw_tile[(i/8u)*STRIDE+i%8u+k]=vec4<f16>(quad_of(quads,k));\n}\n}\n}\nfn four_rows(first:u32,step:u32)->FourRows{\nlet at=first*STRIDE+step;\nlet next=ROW_THREADS*STRIDE;\nlet s=2u*first+step/4u;\nlet below=2u*ROW_THREADS;\nreturn FourRows(\nmat4x4<f16>(x_tile[at],x_tile[at+next],x_tile[at+2u*next],x_tile[at+3u*next]),\nvec4f(x_scale[s],x_scale[s+below],x_scale[s+2u*below],x_scale[s+3u*below]),\n);\n}\nfn products(output:u32,step:u32,rows:FourRows)->vec4f{\nreturn vec4f(w_tile[output*STRIDE+step]*rows.quads)*rows.scales;\n}"
}

export const tileF32: TypedShader<never, never, never> = {
  "name": "tile_f32",
  "provides": "tile",
  "needs": [
    "weights"
  ],
  "code": "const TILE_STEPS=8u;\nvar<workgroup>x_tile:array<vec4f,TILE_ROWS*STRIDE>;\nvar<workgroup>w_tile:array<vec4f,TILE_OUTPUTS*STRIDE>;\nalias FourRows=mat4x4f;\nfn load_tiles(row:u32,col:u32,block:u32,thread:u32){\nfor(var i=thread;i<TILE_ROWS*8u;i+=WORKGROUP){\nx_tile[(i/8u)*STRIDE+i%8u]=x[(min(row+i/8u,ROWS-1u)*K_BLOCKS+block)*8u+i%8u];\n}\nfor(var i=thread*QUADS_PER_READ;i<TILE_OUTPUTS*8u;i+=WORKGROUP*QUADS_PER_READ){\nlet quads=read_quads(min(col+i/8u,N-FIRST-1u),block*8u+i%8u);\nfor(var k=0u;k<QUADS_PER_READ;k++){\nw_tile[(i/8u)*STRIDE+i%8u+k]=quad_of(quads,k);\n}\n}\n}\nfn four_rows(first:u32,step:u32)->FourRows{\nlet at=first*STRIDE+step;\nlet next=ROW_THREADS*STRIDE;\nreturn mat4x4f(x_tile[at],x_tile[at+next],x_tile[at+2u*next],x_tile[at+3u*next]);\n}\nfn products(output:u32,step:u32,rows:FourRows)->vec4f{\nreturn w_tile[output*STRIDE+step]*rows;\n}"
}

export const tileInt8: TypedShader<never, never, never> = {
  "name": "tile_int8",
  "provides": "tile",
  "needs": [
    "quants"
  ],
  "code": "const TILE_STEPS=2u;\nvar<workgroup>x_tile:array<u32,TILE_ROWS*STRIDE>;\nvar<workgroup>x_scale:array<f32,TILE_ROWS*2u>;\nvar<workgroup>x_sum:array<f32,TILE_ROWS*2u>;\nvar<workgroup>w_tile:array<u32,TILE_OUTPUTS*STRIDE>;\nvar<workgroup>w_scale:array<f32,TILE_OUTPUTS*2u>;\nvar<workgroup>w_minimum:array<f32,TILE_OUTPUTS*2u>;\nstruct FourRows{\nquants:array<vec4u,4>,\nscales:vec4f,\nsums:vec4f,\n}\nfn largest(q:vec4f)->f32{\nreturn max(max(q.x,q.y),max(q.z,q.w));\n}\nfn rounded(q:vec4f,inverse:f32)->u32{\nreturn pack4xI8(vec4i(round(q*inverse)));\n}\nfn load_rows(row:u32,block:u32,thread:u32){\nfor(var i=thread;i<TILE_ROWS*2u;i+=WORKGROUP){\nlet read_at=(min(row+i/2u,ROWS-1u)*K_BLOCKS+block)*8u+(i%2u)*4u;\nlet q0=x[read_at];\nlet q1=x[read_at+1u];\nlet q2=x[read_at+2u];\nlet q3=x[read_at+3u];\nlet most=largest(max(max(abs(q0),abs(q1)),max(abs(q2),abs(q3))));\nlet inverse=select(0.0,127.0/most,most>1e-30);\nlet words=vec4u(rounded(q0,inverse),rounded(q1,inverse),rounded(q2,inverse),rounded(q3,inverse));\nlet to=(i/2u)*STRIDE+(i%2u)*4u;\nx_tile[to]=words.x;\nx_tile[to+1u]=words.y;\nx_tile[to+2u]=words.z;\nx_tile[to+3u]=words.w;\nx_scale[i]=most/127.0;\nif(HAS_MINIMUM){\nlet ones=0x01010101u;\nx_sum[i]=most/127.0*f32(dot4I8Packed(words.x,ones)+dot4I8Packed(words.y,ones)\n+dot4I8Packed(words.z,ones)+dot4I8Packed(words.w,ones));\n}\n}\n}\nfn load_weights(col:u32,block:u32,thread:u32){\nfor(var i=thread;i<TILE_OUTPUTS;i+=WORKGROUP){\nlet quants=load_quants(min(col+i,N-FIRST-1u),block);\nlet to=i*STRIDE;\nw_tile[to]=quants.low.x;\nw_tile[to+1u]=quants.low.y;\nw_tile[to+2u]=quants.low.z;\nw_tile[to+3u]=quants.low.w;\nw_tile[to+4u]=quants.high.x;\nw_tile[to+5u]=quants.high.y;\nw_tile[to+6u]=quants.high.z;\nw_tile[to+7u]=quants.high.w;\nw_scale[2u*i]=quants.scale.x;\nw_scale[2u*i+1u]=quants.scale.y;\nif(HAS_MINIMUM){\nw_minimum[2u*i]=quants.minimum.x;\nw_minimum[2u*i+1u]=quants.minimum.y;\n}\n}\n}\nfn load_tiles(row:u32,col:u32,block:u32,thread:u32){\nload_rows(row,block,thread);\nload_weights(col,block,thread);\n}\nfn four_quants(at:u32)->vec4u{\nlet next=ROW_THREADS*STRIDE;\nreturn vec4u(x_tile[at],x_tile[at+next],x_tile[at+2u*next],x_tile[at+3u*next]);\n}\nfn four_rows(first:u32,step:u32)->FourRows{\nlet at=first*STRIDE+4u*step;\nlet s=2u*first+step;\nlet below=2u*ROW_THREADS;\nvar sums=vec4f();\nif(HAS_MINIMUM){sums=vec4f(x_sum[s],x_sum[s+below],x_sum[s+2u*below],x_sum[s+3u*below]);}\nreturn FourRows(\narray(four_quants(at),four_quants(at+1u),four_quants(at+2u),four_quants(at+3u)),\nvec4f(x_scale[s],x_scale[s+below],x_scale[s+2u*below],x_scale[s+3u*below]),\nsums,\n);\n}\nfn dots(rows4:vec4u,w:u32)->vec4i{\nreturn vec4i(dot4I8Packed(rows4.x,w),dot4I8Packed(rows4.y,w),dot4I8Packed(rows4.z,w),dot4I8Packed(rows4.w,w));\n}\nfn products(output:u32,step:u32,rows:FourRows)->vec4f{\nlet w=output*STRIDE+4u*step;\nlet sums=dots(rows.quants[0],w_tile[w])+dots(rows.quants[1],w_tile[w+1u])\n+dots(rows.quants[2],w_tile[w+2u])+dots(rows.quants[3],w_tile[w+3u]);\nlet value=w_scale[2u*output+step]*rows.scales*vec4f(sums);\nif(HAS_MINIMUM){return value-w_minimum[2u*output+step]*rows.sums;}\nreturn value;\n}"
}
