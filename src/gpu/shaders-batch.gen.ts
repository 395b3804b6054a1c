// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const laneSumSubgroup: TypedShader<never, never, never> = {
  "name": "lane_sum_subgroup",
  "provides": "lane_sum",
  "enables": [
    "subgroups"
  ],
  "code": "fn sum_lanes(thread:u32,low:mat4x4f,high:mat4x4f){\nlet a=shuffled(low);\nvar b=mat4x4f();\nif(WIDE){b=shuffled(high);}\nif(thread%LANES>0u){return;}\nlet at=thread/LANES*8u;\nresults[at]=a[0];\nresults[at+2u]=a[1];\nresults[at+4u]=a[2];\nresults[at+6u]=a[3];\nresults[at+1u]=b[0];\nresults[at+3u]=b[1];\nresults[at+5u]=b[2];\nresults[at+7u]=b[3];\n}\nfn shuffled(value:mat4x4f)->mat4x4f{\nvar sum=value;\nfor(var half=LANES/2u;half>0u;half/=2u){\nsum+=mat4x4f(\nsubgroupShuffleXor(sum[0],half),\nsubgroupShuffleXor(sum[1],half),\nsubgroupShuffleXor(sum[2],half),\nsubgroupShuffleXor(sum[3],half),\n);\n}\nreturn sum;\n}"
}

export const laneSumWorkgroup: TypedShader<never, never, never> = {
  "name": "lane_sum_workgroup",
  "provides": "lane_sum",
  "code": "var<workgroup>partial:array<vec4f,LANES*GROUPS*8u>;\nfn sum_lanes(thread:u32,low:mat4x4f,high:mat4x4f){\nlet at=thread*8u;\npartial[at]=low[0];\npartial[at+2u]=low[1];\npartial[at+4u]=low[2];\npartial[at+6u]=low[3];\nif(WIDE){\npartial[at+1u]=high[0];\npartial[at+3u]=high[1];\npartial[at+5u]=high[2];\npartial[at+7u]=high[3];\n}\nworkgroupBarrier();\nlet lane=thread%LANES;\nlet first=(thread-lane)*8u;\nfor(var i=lane;i<GROUP_ROWS;i+=LANES){\nlet quad=i*(8u/GROUP_ROWS);\nvar sum=vec4f();\nfor(var j=0u;j<LANES;j++){sum+=partial[first+j*8u+quad];}\nresults[thread/LANES*8u+quad]=sum;\n}\n}"
}

export const matmulBatch: TypedShader<'x', 'N', 'FIRST' | 'LANES' | 'GROUPS' | 'WIDE' | 'WORKGROUP' | 'GROUP_ROWS'> = {
  "name": "matmul_batch",
  "needs": [
    "weights",
    "scale",
    "start",
    "emit",
    "lane_sum"
  ],
  "code": "override FIRST:u32=0u;\noverride N:u32;\noverride LANES:u32=16u;\noverride GROUPS:u32=4u;\noverride WIDE:bool=false;\noverride WORKGROUP:u32=LANES*GROUPS;\nconst OUTPUTS=4u;\nconst ROWS=4u;\nconst WIDE_ROWS=8u;\noverride GROUP_ROWS:u32=select(ROWS,WIDE_ROWS,WIDE);\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\nvar<workgroup>results:array<vec4f,GROUPS*8u>;\nfn x_rows(first:u32,quad:u32)->mat4x4f{\nlet stride=K_BLOCKS*8u;\nlet at=first*stride+quad;\nreturn mat4x4f(x[at],x[at+stride],x[at+2u*stride],x[at+3u*stride]);\n}\nfn emit_results(group:u32,lane:u32,first_row:u32,col:u32){\nworkgroupBarrier();\nfor(var i=lane;i<GROUP_ROWS*2u;i+=LANES){\nlet row=i/2u;\nlet at=group*8u+row/4u+(i%2u)*4u;\nlet output=col+(i%2u)*2u;\nlet first=start_pair(first_row+row,output);\nlet pair=row_scale(row)*vec2f(results[at][row%4u],results[at+2u][row%4u]);\nemit(first_row+row,FIRST+output,first.x+pair.x,first.y+pair.y);\n}\n}\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nlet lane=thread%LANES;\nlet col=(group.x*GROUPS+thread/LANES)*OUTPUTS;\nlet first_row=group.y*GROUP_ROWS;\nvar a0=vec4f();\nvar a1=vec4f();\nvar a2=vec4f();\nvar a3=vec4f();\nvar b0=vec4f();\nvar b1=vec4f();\nvar b2=vec4f();\nvar b3=vec4f();\nfor(var first=lane*QUADS_PER_READ;first<K_BLOCKS*8u;first+=LANES*QUADS_PER_READ){\nlet r0=read_quads(col,first);\nlet r1=read_quads(col+1u,first);\nlet r2=read_quads(col+2u,first);\nlet r3=read_quads(col+3u,first);\nfor(var i=0u;i<QUADS_PER_READ;i++){\nlet w0=quad_of(r0,i);\nlet w1=quad_of(r1,i);\nlet w2=quad_of(r2,i);\nlet w3=quad_of(r3,i);\nlet low=x_rows(first_row,first+i);\na0+=w0*low;\na1+=w1*low;\na2+=w2*low;\na3+=w3*low;\nif(WIDE){\nlet high=x_rows(first_row+4u,first+i);\nb0+=w0*high;\nb1+=w1*high;\nb2+=w2*high;\nb3+=w3*high;\n}\n}\n}\nmeasure_rows(first_row,thread);\nsum_lanes(thread,mat4x4f(a0,a1,a2,a3),mat4x4f(b0,b1,b2,b3));\nemit_results(thread/LANES,lane,first_row,col);\n}"
}
