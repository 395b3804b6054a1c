// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const laneSumSubgroup: TypedShader<never, never, never> = {
  "name": "lane_sum_subgroup",
  "provides": "lane_sum",
  "enables": [
    "subgroups"
  ],
  "code": "fn sum_lanes(thread:u32,value:vec4f)->vec4f{\nvar sum=value;\nfor(var half=LANES/2u;half>0u;half/=2u){\nsum+=subgroupShuffleXor(sum,half);\n}\nreturn sum;\n}"
}

export const laneSumWorkgroup: TypedShader<never, never, never> = {
  "name": "lane_sum_workgroup",
  "provides": "lane_sum",
  "code": "var<workgroup>partial:array<vec4f,LANES*GROUPS>;\nfn sum_lanes(thread:u32,value:vec4f)->vec4f{\nworkgroupBarrier();\npartial[thread]=value;\nfor(var half=LANES/2u;half>0u;half/=2u){\nworkgroupBarrier();\nif(thread%LANES<half){partial[thread]+=partial[thread+half];}\n}\nreturn partial[thread];\n}"
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
  "code": "override FIRST:u32=0u;\noverride N:u32;\noverride LANES:u32=16u;\noverride GROUPS:u32=4u;\noverride WIDE:bool=false;\noverride WORKGROUP:u32=LANES*GROUPS;\nconst OUTPUTS=4u;\nconst ROWS=4u;\nconst WIDE_ROWS=8u;\noverride GROUP_ROWS:u32=select(ROWS,WIDE_ROWS,WIDE);\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\nvar<workgroup>results:array<vec4f,GROUPS*8u>;\nfn x_rows(first:u32,quad:u32)->mat4x4f{\nlet stride=K_BLOCKS*8u;\nlet at=first*stride+quad;\nreturn mat4x4f(x[at],x[at+stride],x[at+2u*stride],x[at+3u*stride]);\n}\nfn emit_results(group:u32,lane:u32,first_row:u32,col:u32){\nworkgroupBarrier();\nfor(var i=lane;i<GROUP_ROWS*2u;i+=LANES){\nlet row=i/2u;\nlet at=group*8u+row/4u+(i%2u)*4u;\nlet output=col+(i%2u)*2u;\nlet first=start_pair(first_row+row,output);\nlet pair=row_scale(row)*vec2f(results[at][row%4u],results[at+2u][row%4u]);\nemit(first_row+row,FIRST+output,first.x+pair.x,first.y+pair.y);\n}\n}\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nlet lane=thread%LANES;\nlet col=(group.x*GROUPS+thread/LANES)*OUTPUTS;\nlet first_row=group.y*GROUP_ROWS;\nvar a0=vec4f();\nvar a1=vec4f();\nvar a2=vec4f();\nvar a3=vec4f();\nvar b0=vec4f();\nvar b1=vec4f();\nvar b2=vec4f();\nvar b3=vec4f();\nfor(var first=lane*QUADS_PER_READ;first<K_BLOCKS*8u;first+=LANES*QUADS_PER_READ){\nlet r0=read_quads(col,first);\nlet r1=read_quads(col+1u,first);\nlet r2=read_quads(col+2u,first);\nlet r3=read_quads(col+3u,first);\nfor(var i=0u;i<QUADS_PER_READ;i++){\nlet w0=quad_of(r0,i);\nlet w1=quad_of(r1,i);\nlet w2=quad_of(r2,i);\nlet w3=quad_of(r3,i);\nlet low=x_rows(first_row,first+i);\na0+=w0*low;\na1+=w1*low;\na2+=w2*low;\na3+=w3*low;\nif(WIDE){\nlet high=x_rows(first_row+4u,first+i);\nb0+=w0*high;\nb1+=w1*high;\nb2+=w2*high;\nb3+=w3*high;\n}\n}\n}\nmeasure_rows(first_row,thread);\na0=sum_lanes(thread,a0);\na1=sum_lanes(thread,a1);\na2=sum_lanes(thread,a2);\na3=sum_lanes(thread,a3);\nif(WIDE){\nb0=sum_lanes(thread,b0);\nb1=sum_lanes(thread,b1);\nb2=sum_lanes(thread,b2);\nb3=sum_lanes(thread,b3);\n}\nif(lane==0u){\nlet first=thread/LANES*8u;\nresults[first]=a0;\nresults[first+2u]=a1;\nresults[first+4u]=a2;\nresults[first+6u]=a3;\nresults[first+1u]=b0;\nresults[first+3u]=b1;\nresults[first+5u]=b2;\nresults[first+7u]=b3;\n}\nemit_results(thread/LANES,lane,first_row,col);\n}"
}
