// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const attention: TypedShader<'q' | 'tiles' | 'splits' | 'stats' | 'rows' | 'y', 'HEAD_DIM' | 'HEAD_STRIDE' | 'SCALE' | 'N_HEADS' | 'N_KV_HEADS' | 'RING' | 'WINDOW' | 'KEYS_PER_SPLIT' | 'Y_STRIDE', 'KEYS' | 'ROWS' | 'QUADS' | 'GROUP_HEADS' | 'HEAD_TILES' | 'LANES'> = {
  "name": "attention",
  "needs": [
    "cache_read",
    "tile_max"
  ],
  "code": "override HEAD_DIM:u32;\noverride HEAD_STRIDE:u32;\noverride SCALE:f32;\noverride N_HEADS:u32;\noverride N_KV_HEADS:u32;\noverride RING:u32;\noverride WINDOW:u32;\noverride KEYS_PER_SPLIT:u32;\noverride KEYS:u32=64u;\noverride ROWS:u32=1u;\noverride Y_STRIDE:u32;\nconst MASKED= -1e30;\nconst TILE_HEADS=4u;\noverride QUADS:u32=HEAD_STRIDE/4u;\noverride GROUP_HEADS:u32=N_HEADS/N_KV_HEADS;\noverride HEAD_TILES:u32=(GROUP_HEADS+TILE_HEADS-1u)/TILE_HEADS;\noverride LANES:u32=KEYS/QUADS;\n@group(0)@binding(0)var<storage,read>q:array<vec4f>;\n@group(0)@binding(1)var<storage,read>tiles:array<vec2u>;\n@group(0)@binding(4)var<storage,read_write>splits:array<vec4f>;\n@group(0)@binding(5)var<storage,read_write>stats:array<vec2f>;\n@group(0)@binding(6)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(7)var<storage,read_write>y:array<f32>;\nvar<workgroup>probs:array<vec4f,ROWS*KEYS>;\nvar<workgroup>q_tile:array<vec4f,ROWS*QUADS*4u>;\nfn load_queries(row:u32,base:u32,first_head:u32,last_head:u32,thread:u32){\nfor(var i=thread;i<QUADS*4u;i+=KEYS){\nlet head=min(first_head+i%4u,last_head);\nq_tile[base+i]=q[(row*N_HEADS+head)*QUADS+i/4u];\n}\n}\nfn sum_of_quad(base:u32,thread:u32,value:vec4f)->vec4f{\nif(LANES==1u){return value;}\nworkgroupBarrier();\nprobs[base+thread]=value;\nworkgroupBarrier();\nvar sum=value;\nif(thread<QUADS){\nfor(var i=1u;i<LANES;i++){sum+=probs[base+i*QUADS+thread];}\n}\nreturn sum;\n}\nfn store(\nrow:u32,head:u32,last_head:u32,\nsplit:u32,most_splits:u32,quad:u32,\nmaximum:f32,total:f32,sum:vec4f,\n){\nif(head>last_head){return;}\nif(most_splits==1u){\nlet result=sum/total;\nlet at=row*Y_STRIDE+head*HEAD_DIM+quad*4u;\nfor(var i=0u;i<4u;i++){\nif(quad*4u+i<HEAD_DIM){y[at+i]=result[i];}\n}\nreturn;\n}\nlet at=(row*N_HEADS+head)*most_splits+split;\nsplits[at*QUADS+quad]=sum;\nif(quad==0u){stats[at]=vec2f(maximum,total);}\n}\n@compute @workgroup_size(KEYS,ROWS)\nfn main(\n@builtin(workgroup_id)group:vec3u,\n@builtin(num_workgroups)groups:vec3u,\n@builtin(local_invocation_id)id:vec3u,\n){\nlet tile=tiles[group.z];\nlet kv_head=group.y/HEAD_TILES;\nlet first_head=kv_head*GROUP_HEADS+(group.y%HEAD_TILES)*TILE_HEADS;\nlet last_head=(kv_head+1u)*GROUP_HEADS-1u;\nlet first_row=rows[tile.x];\nlet cache=(first_row.x*N_KV_HEADS+kv_head)*RING;\nlet end=first_row.y+tile.y;\nlet visible=min(first_row.y+1u,WINDOW)+tile.y-1u;\nlet splits_of_row=clamp((visible+KEYS_PER_SPLIT-1u)/KEYS_PER_SPLIT,1u,groups.x);\nif(group.x>=splits_of_row){return;}\nlet keys_of_split=(visible+splits_of_row-1u)/splits_of_row;\nlet first_key=min(end-visible+group.x*keys_of_split,end);\nlet last_key=min(first_key+keys_of_split,end);\nlet row=min(id.y,tile.y-1u);\nlet position=first_row.y+row;\nlet base=id.y*KEYS;\nlet q_base=id.y*QUADS*4u;\nload_queries(tile.x+row,q_base,first_head,last_head,id.x);\nlet quad=id.x%QUADS;\nlet lane=id.x/QUADS;\nvar maximum=vec4f(MASKED);\nvar total=vec4f();\nvar output=mat4x4f();\nworkgroupBarrier();\nfor(var first=first_key;first<last_key;first+=KEYS){\nlet size=min(KEYS,last_key-first);\nlet key=first+id.x;\nvar score=vec4f(MASKED);\nif(id.x<size&&key<=position&&position-key<WINDOW){\nscore=vec4f();\nlet at=(cache+key%RING)*QUADS;\nfor(var i=0u;i<QUADS;i++){\nlet query=q_base+i*4u;\nscore+=cache_key(at+i)\n*mat4x4f(q_tile[query],q_tile[query+1u],q_tile[query+2u],q_tile[query+3u]);\n}\nscore*=SCALE;\n}\nlet new_maximum=max(maximum,tile_maximum(id.y,id.x,score));\nprobs[base+id.x]=select(exp(score-new_maximum),vec4f(),score<=vec4f(MASKED));\nlet rescale=exp(maximum-new_maximum);\nmaximum=new_maximum;\nworkgroupBarrier();\noutput=mat4x4f(output[0]*rescale.x,output[1]*rescale.y,output[2]*rescale.z,output[3]*rescale.w);\ntotal*=rescale;\nif(lane<LANES){\nfor(var i=lane;i<size;i+=LANES){\nlet v=cache_value((cache+(first+i)%RING)*QUADS+quad);\nlet p=probs[base+i];\noutput+=mat4x4f(v*p.x,v*p.y,v*p.z,v*p.w);\ntotal+=p;\n}\n}\n}\nlet sums=mat4x4f(\nsum_of_quad(base,id.x,output[0]),\nsum_of_quad(base,id.x,output[1]),\nsum_of_quad(base,id.x,output[2]),\nsum_of_quad(base,id.x,output[3]),\n);\nlet totals=sum_of_quad(base,id.x,total);\nif(lane>0u||id.y>=tile.y){return;}\nstore(tile.x+row,first_head,last_head,group.x,groups.x,quad,maximum.x,totals.x,sums[0]);\nstore(tile.x+row,first_head+1u,last_head,group.x,groups.x,quad,maximum.y,totals.y,sums[1]);\nstore(tile.x+row,first_head+2u,last_head,group.x,groups.x,quad,maximum.z,totals.z,sums[2]);\nstore(tile.x+row,first_head+3u,last_head,group.x,groups.x,quad,maximum.w,totals.w,sums[3]);\n}"
}

export const attentionMerge: TypedShader<'rows' | 'splits' | 'stats' | 'y', 'HEAD_DIM' | 'HEAD_STRIDE' | 'N_HEADS' | 'WINDOW' | 'KEYS_PER_SPLIT' | 'Y_STRIDE', 'QUADS'> = {
  "name": "attention_merge",
  "code": "override HEAD_DIM:u32;\noverride HEAD_STRIDE:u32;\noverride N_HEADS:u32;\noverride WINDOW:u32;\noverride KEYS_PER_SPLIT:u32;\noverride Y_STRIDE:u32;\noverride QUADS:u32=HEAD_STRIDE/4u;\nconst THREADS=64u;\n@group(0)@binding(0)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(1)var<storage,read>splits:array<vec4f>;\n@group(0)@binding(2)var<storage,read>stats:array<vec2f>;\n@group(0)@binding(3)var<storage,read_write>y:array<f32>;\n@compute @workgroup_size(THREADS)\nfn main(@builtin(global_invocation_id)id:vec3u){\nif(id.x>=N_HEADS*QUADS){return;}\nlet row=id.y;\nlet head=id.x/QUADS;\nlet quad=id.x%QUADS;\nlet visible=min(rows[row].y+1u,WINDOW);\nlet count=clamp((visible+KEYS_PER_SPLIT-1u)/KEYS_PER_SPLIT,1u,rows[row].w);\nlet first=(row*N_HEADS+head)*rows[row].w;\nvar maximum= -1e30;\nfor(var i=first;i<first+count;i++){maximum=max(maximum,stats[i].x);}\nvar sum=vec4f();\nvar total=0.0;\nfor(var i=first;i<first+count;i++){\nlet weight=exp(stats[i].x-maximum);\nsum+=splits[i*QUADS+quad]*weight;\ntotal+=stats[i].y*weight;\n}\nsum/=total;\nfor(var i=0u;i<4u;i++){\nif(quad*4u+i<HEAD_DIM){y[row*Y_STRIDE+head*HEAD_DIM+quad*4u+i]=sum[i];}\n}\n}"
}

export const cacheReadF16: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_read_f16",
  "provides": "cache_read",
  "code": "override VALUES_AT:u32;\n@group(0)@binding(2)var<storage,read>cache:array<vec2u>;\nfn unpack_cached(bits:vec2u)->vec4f{\nreturn vec4f(unpack2x16float(bits.x),unpack2x16float(bits.y));\n}\nfn cache_key(at:u32)->vec4f{\nreturn unpack_cached(cache[at]);\n}\nfn cache_value(at:u32)->vec4f{\nreturn unpack_cached(cache[VALUES_AT+at]);\n}"
}

export const cacheReadF16Native: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_read_f16_native",
  "provides": "cache_read",
  "enables": [
    "f16"
  ],
  "code": "override VALUES_AT:u32;\n@group(0)@binding(2)var<storage,read>cache:array<vec4<f16>>;\nfn cache_key(at:u32)->vec4f{\nreturn vec4f(cache[at]);\n}\nfn cache_value(at:u32)->vec4f{\nreturn vec4f(cache[VALUES_AT+at]);\n}"
}

export const cacheReadF32: TypedShader<'cache', 'VALUES_AT', never> = {
  "name": "cache_read_f32",
  "provides": "cache_read",
  "code": "override VALUES_AT:u32;\n@group(0)@binding(2)var<storage,read>cache:array<vec4f>;\nfn cache_key(at:u32)->vec4f{\nreturn cache[at];\n}\nfn cache_value(at:u32)->vec4f{\nreturn cache[VALUES_AT+at];\n}"
}

export const tileMaxSubgroup: TypedShader<never, 'LANES_OF_TILE', 'STRIPES'> = {
  "name": "tile_max_subgroup",
  "provides": "tile_max",
  "enables": [
    "subgroups"
  ],
  "code": "override LANES_OF_TILE:u32;\noverride STRIPES:u32=KEYS/LANES_OF_TILE;\nvar<workgroup>stripe_maxima:array<vec4f,ROWS*STRIPES>;\nfn tile_maximum(row:u32,thread:u32,score:vec4f)->vec4f{\nvar most=score;\nfor(var half=LANES_OF_TILE/2u;half>0u;half/=2u){most=max(most,subgroupShuffleXor(most,half));}\nif(thread%LANES_OF_TILE==0u){stripe_maxima[row*STRIPES+thread/LANES_OF_TILE]=most;}\nworkgroupBarrier();\nmost=stripe_maxima[row*STRIPES];\nfor(var i=1u;i<STRIPES;i++){most=max(most,stripe_maxima[row*STRIPES+i]);}\nreturn most;\n}"
}

export const tileMaxWorkgroup: TypedShader<never, never, never> = {
  "name": "tile_max_workgroup",
  "provides": "tile_max",
  "code": "const STRIPES=8u;\nvar<workgroup>tile_scores:array<vec4f,ROWS*KEYS>;\nvar<workgroup>stripe_maxima:array<vec4f,ROWS*STRIPES>;\nfn tile_maximum(row:u32,thread:u32,score:vec4f)->vec4f{\nlet base=row*KEYS;\ntile_scores[base+thread]=score;\nworkgroupBarrier();\nvar most=score;\nif(thread<STRIPES){\nfor(var i=thread+STRIPES;i<KEYS;i+=STRIPES){most=max(most,tile_scores[base+i]);}\nstripe_maxima[row*STRIPES+thread]=most;\n}\nworkgroupBarrier();\nmost=stripe_maxima[row*STRIPES];\nfor(var i=1u;i<STRIPES;i++){most=max(most,stripe_maxima[row*STRIPES+i]);}\nreturn most;\n}"
}
