// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const ATTENTION = {
  "MASKED": -1e+30,
  "TILE_HEADS": 4
} as const

export const ATTENTION_LANES = {
  "MASKED": -1e+30,
  "LANE_HEADS": 4
} as const

export const ATTENTION_MERGE = {
  "THREADS": 64
} as const

export const CACHE_PACK_Q8 = {
  "THREADS": 64,
  "BLOCK_QUADS": 8
} as const

export const DIGEST = {
  "THREADS": 256,
  "MOST_WORDS": 64
} as const

export const DRAW_BINS = {
  "BINS": 1024,
  "BINS_PER_NAT": 46.5,
  "FAR": 512,
  "TOTAL": 0,
  "INSIDE": 1,
  "BINNED": 2,
  "LISTED": 3,
  "VALUES": 4,
  "IDS": 8,
  "FILTER": 11,
  "PASSES": 12
} as const

export const DRAW_DENSE = {
  "THREADS": 256,
  "LIST": 256
} as const

export const DRAW_RULES = {
  "RULE_TOP_K": 0,
  "RULE_TOP_P": 1,
  "RULE_MIN_P": 2,
  "RULE_TYPICAL_P": 3,
  "RULE_EPSILON": 4,
  "RULE_ETA": 5,
  "DRAW": 6,
  "LIST_TOO_SHORT": 4294967294
} as const

export const embedding: TypedShader<'history' | 'places', 'N' | 'POSITIONS', 'FIRST' | 'TOKENS'> = {
  "name": "embedding",
  "needs": [
    "weights",
    "emit"
  ],
  "code": "override N:u32;\noverride POSITIONS:u32;\noverride FIRST:u32=0u;\noverride TOKENS:u32=0xffffffffu;\nconst THREADS=64u;\n@group(0)@binding(0)var<storage,read>history:array<u32>;\n@group(0)@binding(1)var<storage,read>places:array<vec4u>;\nvar<private>x:array<vec4f,1>;\n@compute @workgroup_size(THREADS)\nfn main(@builtin(global_invocation_id)id:vec3u){\nlet col=id.x*4u;\nif(col>=N){return;}\nlet token=history[places[id.y].x*POSITIONS+places[id.y].y];\nif(token-FIRST>=TOKENS){return;}\nlet elements=weight_quad(token-FIRST,id.x);\nemit(id.y,col,elements.x,elements.y);\nemit(id.y,col+2u,elements.z,elements.w);\n}"
}

export const EMBEDDING = {
  "THREADS": 64
} as const

export const emitAdd: TypedShader<'y', 'Y_STRIDE', never> = {
  "name": "emit_add",
  "provides": "emit",
  "code": "override Y_STRIDE:u32;\n@group(0)@binding(4)var<storage,read_write>y:array<f32>;\nfn emit(row:u32,col:u32,a:f32,b:f32){\nlet at=row*Y_STRIDE+col;\nif(col<N){y[at]+=a;}\nif(col+1u<N){y[at+1u]+=b;}\n}"
}

export const emitRopeCache: TypedShader<'rope' | 'rows' | 'q', 'HEAD_DIM' | 'HEAD_STRIDE' | 'N_HEADS' | 'N_KV_HEADS' | 'RING' | 'ROPE_FINE', 'QUERY_BETA' | 'QUERY_LENGTH'> = {
  "name": "emit_rope_cache",
  "provides": "emit",
  "needs": [
    "cache_write"
  ],
  "code": "override HEAD_DIM:u32;\noverride HEAD_STRIDE:u32;\noverride N_HEADS:u32;\noverride N_KV_HEADS:u32;\noverride RING:u32;\noverride ROPE_FINE:u32;\noverride QUERY_BETA:f32=0.0;\noverride QUERY_LENGTH:u32=1u;\n@group(0)@binding(4)var<storage,read>rope:array<vec2f>;\n@group(0)@binding(5)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(6)var<storage,read_write>q:array<vec2f>;\nfn emit(row:u32,col:u32,a:f32,b:f32){\nlet sequence=rows[row].x;\nlet position=rows[row].y;\nif(col>=N||position==0xffffffffu){return;}\nlet head=col/HEAD_DIM;\nlet pair=(col%HEAD_DIM)/2u;\nif(head>=N_HEADS+N_KV_HEADS){\nlet kv_head=head-N_HEADS-N_KV_HEADS;\ncache_write_value(cache_slot(sequence,kv_head,position),row*N_KV_HEADS+kv_head,pair,vec2f(a,b));\nreturn;\n}\nlet fine=rope[(1u+position%ROPE_FINE)*(HEAD_DIM/2u)+pair];\nlet coarse=rope[(1u+ROPE_FINE+position/ROPE_FINE)*(HEAD_DIM/2u)+pair];\nlet error=rounding_error(position,bitcast<u32>(rope[pair].x));\nlet small=vec2f(1.0-0.5*error*error,error-error*error*error/6.0);\nlet rotated=turned(vec2f(a,b),turned(small,turned(fine,coarse)));\nif(head<N_HEADS){\nvar scale=1.0;\nif(QUERY_BETA!=0.0){scale+=QUERY_BETA*log(1.0+f32(position/QUERY_LENGTH));}\nq[(row*N_HEADS+head)*(HEAD_STRIDE/2u)+pair]=scale*rotated;\n}else{\nlet kv_head=head-N_HEADS;\ncache_write_key(cache_slot(sequence,kv_head,position),row*N_KV_HEADS+kv_head,pair,rotated);\n}\n}\nfn turned(a:vec2f,b:vec2f)->vec2f{\nreturn vec2f(a.x*b.x-a.y*b.y,a.y*b.x+a.x*b.y);\n}\nfn rounding_error(position:u32,frequency:u32)->f32{\nlet exponent=frequency>>23u;\nif(exponent<24u){return 0.0;}\nlet mantissa=(frequency&0x7fffffu)|0x800000u;\nlet cross=(position>>16u)*(mantissa&0xffffu)+(position&0xffffu)*(mantissa>>16u);\nlet low=(position&0xffffu)*(mantissa&0xffffu)+(cross<<16u);\nlet high=(position>>16u)*(mantissa>>16u)+(cross>>16u)+select(0u,1u,low<(cross<<16u));\nlet bits=select(32u-countLeadingZeros(low),64u-countLeadingZeros(high),high>0u);\nif(bits<=24u){return 0.0;}\nlet dropped=bits-24u;\nlet rest=low&((1u<<dropped)-1u);\nlet is_up=rest+((low>>dropped)&1u)>(1u<<(dropped-1u));\nlet error=select(-f32(rest),f32((1u<<dropped)-rest),is_up);\nreturn error*bitcast<f32>((exponent-23u)<<23u);\n}\nfn cache_slot(sequence:u32,kv_head:u32,position:u32)->u32{\nreturn(sequence*N_KV_HEADS+kv_head)*RING+position%RING;\n}"
}

export const emitSiluGate: TypedShader<'y', 'Y_STRIDE', never> = {
  "name": "emit_silu_gate",
  "provides": "emit",
  "code": "override Y_STRIDE:u32;\n@group(0)@binding(4)var<storage,read_write>y:array<f32>;\nfn emit(row:u32,col:u32,a:f32,b:f32){\nif(col<N){y[row*Y_STRIDE+col/2u]=a/(1.0+exp(min(-a,80.0)))*b;}\n}"
}

export const emitStore: TypedShader<'y', 'Y_STRIDE', never> = {
  "name": "emit_store",
  "provides": "emit",
  "code": "override Y_STRIDE:u32;\n@group(0)@binding(4)var<storage,read_write>y:array<f32>;\nfn emit(row:u32,col:u32,a:f32,b:f32){\nlet at=row*Y_STRIDE+col;\nif(col<N){y[at]=a;}\nif(col+1u<N){y[at+1u]=b;}\n}"
}

export const halvesBf16: TypedShader<never, never, never> = {
  "name": "halves_bf16",
  "provides": "halves",
  "code": "fn unpack_quad(bits:vec2u)->vec4f{\nlet low=bits<<vec2u(16u);\nlet high=bits&vec2u(0xffff0000u);\nreturn bitcast<vec4f>(vec4u(low.x,high.x,low.y,high.y));\n}"
}

export const halvesF16: TypedShader<never, never, never> = {
  "name": "halves_f16",
  "provides": "halves",
  "code": "fn unpack_quad(bits:vec2u)->vec4f{\nreturn vec4f(unpack2x16float(bits.x),unpack2x16float(bits.y));\n}"
}

export const LOGPROBS = {
  "THREADS": 256,
  "LIST": 512,
  "STEPS": 64,
  "MOST": 20,
  "HEAD": 5
} as const

export const LORA_DOWN = {
  "THREADS": 64
} as const

export const LORA_UP = {
  "OUTPUTS": 128
} as const

export const MATMUL_BATCH = {
  "OUTPUTS": 4,
  "ROWS": 4,
  "WIDE_ROWS": 8
} as const

export const MATMUL_MATRIX = {
  "TILE_ROWS": 32,
  "TILE_OUTPUTS": 64,
  "GROUP_OUTPUTS": 16,
  "LARGEST": 65504
} as const

export const MATMUL_ROWS = {
  "OUTPUTS": 4
} as const

export const MATMUL_TILE = {
  "STRIDE": 9
} as const

export const matmulVec: TypedShader<'x', 'N', 'FIRST' | 'LANES' | 'GROUPS' | 'WORKGROUP'> = {
  "name": "matmul_vec",
  "needs": [
    "weights",
    "scale",
    "start",
    "emit"
  ],
  "code": "override FIRST:u32=0u;\noverride N:u32;\noverride LANES:u32=32u;\noverride GROUPS:u32=2u;\noverride WORKGROUP:u32=LANES*GROUPS;\nconst GROUP_ROWS=1u;\nconst OUTPUTS=4u;\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\nvar<workgroup>partial:array<vec4f,LANES*GROUPS>;\n@compute @workgroup_size(LANES,GROUPS)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_id)id:vec3u){\nlet row=group.y;\nlet col=(group.x*GROUPS+id.y)*OUTPUTS;\nvar sum=vec4f();\nfor(var step=id.x;step<K_BLOCKS*8u/QUADS_PER_STEP;step+=LANES){\nlet inputs=load_inputs(row*K_BLOCKS*8u+step*QUADS_PER_STEP);\nsum+=vec4f(\nstep_dot(col,step,inputs),\nstep_dot(col+1u,step,inputs),\nstep_dot(col+2u,step,inputs),\nstep_dot(col+3u,step,inputs),\n);\n}\nlet slot=id.y*LANES+id.x;\nmeasure_rows(row,slot);\npartial[slot]=sum;\nfor(var half=LANES/2u;half>0u;half/=2u){\nworkgroupBarrier();\nif(id.x<half){partial[slot]+=partial[slot+half];}\n}\nworkgroupBarrier();\nif(id.x<2u){\nlet total=partial[id.y*LANES];\nlet pair=row_scale(0u)*select(total.xy,total.zw,id.x==1u);\nlet first=start_pair(row,col+2u*id.x);\nemit(row,FIRST+col+2u*id.x,first.x+pair.x,first.y+pair.y);\n}\n}"
}

export const MATMUL_VEC = {
  "GROUP_ROWS": 1,
  "OUTPUTS": 4
} as const

export const matmulVecSubgroup: TypedShader<'x', 'N', 'FIRST' | 'LANES' | 'GROUPS' | 'WORKGROUP'> = {
  "name": "matmul_vec_subgroup",
  "needs": [
    "weights",
    "scale",
    "start",
    "emit"
  ],
  "enables": [
    "subgroups"
  ],
  "code": "override FIRST:u32=0u;\noverride N:u32;\noverride LANES:u32=32u;\noverride GROUPS:u32=2u;\noverride WORKGROUP:u32=LANES*GROUPS;\nconst GROUP_ROWS=1u;\nconst OUTPUTS=4u;\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nlet lane=thread%LANES;\nlet row=group.y;\nlet col=(group.x*GROUPS+thread/LANES)*OUTPUTS;\nvar sum=vec4f();\nfor(var step=lane;step<K_BLOCKS*8u/QUADS_PER_STEP;step+=LANES){\nlet inputs=load_inputs(row*K_BLOCKS*8u+step*QUADS_PER_STEP);\nsum+=vec4f(\nstep_dot(col,step,inputs),\nstep_dot(col+1u,step,inputs),\nstep_dot(col+2u,step,inputs),\nstep_dot(col+3u,step,inputs),\n);\n}\nfor(var half=LANES/2u;half>0u;half/=2u){\nsum+=subgroupShuffleXor(sum,half);\n}\nmeasure_rows(row,thread);\nif(lane<2u){\nlet pair=row_scale(0u)*select(sum.xy,sum.zw,lane==1u);\nlet first=start_pair(row,col+2u*lane);\nemit(row,FIRST+col+2u*lane,first.x+pair.x,first.y+pair.y);\n}\n}"
}

export const MATMUL_VEC_SUBGROUP = {
  "GROUP_ROWS": 1,
  "OUTPUTS": 4
} as const

export const moveRows: TypedShader<'rows' | 'x', 'QUADS', 'BACK'> = {
  "name": "move_rows",
  "code": "override QUADS:u32;\noverride BACK:bool=false;\n@group(0)@binding(0)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(1)var<storage,read_write>x:array<vec4f>;\nconst WORKGROUP=64u;\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(global_invocation_id)id:vec3u,@builtin(num_workgroups)groups:vec3u){\nif(id.y>0u||id.x>=QUADS){return;}\nfor(var i=0u;i<groups.y;i++){\nlet output=select(i,groups.y-1u-i,BACK);\nlet front=output*QUADS+id.x;\nlet own=rows[output].z*QUADS+id.x;\nif(BACK){x[own]=x[front];}else{x[front]=x[own];}\n}\n}"
}

export const MOVE_ROWS = {
  "WORKGROUP": 64
} as const

export const NEXT_LOGPROBS = {
  "THREADS": 256
} as const

export const probeSubgroups: TypedShader<'lanes', never, never> = {
  "name": "probe_subgroups",
  "enables": [
    "subgroups"
  ],
  "code": "const THREADS=128u;\n@group(0)@binding(0)var<storage,read_write>lanes:array<vec2u>;\n@compute @workgroup_size(THREADS)\nfn main(\n@builtin(local_invocation_index)thread:u32,\n@builtin(subgroup_invocation_id)lane:u32,\n@builtin(subgroup_size)size:u32,\n){\nlanes[thread]=vec2u(lane,size);\n}"
}

export const PROBE_SUBGROUPS = {
  "THREADS": 128
} as const

export const rmsNorm: TypedShader<'x' | 'gain' | 'rows' | 'y', 'D' | 'X_QUADS' | 'EPS', 'GATHER' | 'WORKGROUP'> = {
  "name": "rms_norm",
  "code": "override D:u32;\noverride X_QUADS:u32;\noverride EPS:f32;\noverride GATHER:bool=false;\noverride WORKGROUP:u32=64u;\n@group(0)@binding(0)var<storage,read>x:array<vec4f>;\n@group(0)@binding(1)var<storage,read>gain:array<vec4f>;\n@group(0)@binding(2)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(3)var<storage,read_write>y:array<vec4f>;\nvar<workgroup>partial:array<f32,WORKGROUP>;\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nvar source=group.x;\nif(GATHER){source=rows[group.x].z;}\nvar sum=0.0;\nfor(var i=thread;i<X_QUADS;i+=WORKGROUP){\nlet v=x[source*X_QUADS+i];\nsum+=dot(v,v);\n}\npartial[thread]=sum;\nfor(var half=WORKGROUP/2u;half>0u;half/=2u){\nworkgroupBarrier();\nif(thread<half){partial[thread]+=partial[thread+half];}\n}\nworkgroupBarrier();\nlet scale=inverseSqrt(partial[0]/f32(D)+EPS);\nfor(var i=thread;i<X_QUADS;i+=WORKGROUP){\ny[group.x*X_QUADS+i]=x[source*X_QUADS+i]*scale*gain[i];\n}\n}"
}

export const ROUND_BLOCKS = {
  "WORKGROUP": 64,
  "SLOTS": 32768,
  "ROUNDER_BITS": 1262485504
} as const

export const ROUND_WORDS = {
  "ENORMOUS": 1568669696
} as const

export const RULES_COPY = {
  "THREADS": 256,
  "COURSE_WORDS": 4,
  "STAGE_WORDS": 3
} as const

export const RULES_SCATTER = {
  "THREADS": 256
} as const

export const sampleGreedy: TypedShader<'logits' | 'scores' | 'rows' | 'settings' | 'history', 'QUADS' | 'V' | 'STRIDE_QUADS' | 'POSITIONS', never> = {
  "name": "sample_greedy",
  "needs": [
    "sampler_settings"
  ],
  "code": "override QUADS:u32;\noverride V:u32;\noverride STRIDE_QUADS:u32;\noverride POSITIONS:u32;\n@group(0)@binding(0)var<storage,read>logits:array<vec4u>;\n@group(0)@binding(1)var<storage,read_write>scores:array<vec4u>;\n@group(0)@binding(2)var<storage,read_write>rows:array<u32>;\n@group(0)@binding(3)var<storage,read>settings:array<u32>;\n@group(0)@binding(4)var<storage,read_write>history:array<u32>;\nconst THREADS=256u;\nvar<workgroup>best_key:array<u32,THREADS>;\nvar<workgroup>best_id:array<u32,THREADS>;\nfn take(from_thread:u32,to_thread:u32){\nlet key=best_key[from_thread];\nlet id=best_id[from_thread];\nif(key>best_key[to_thread]||(key==best_key[to_thread]&&id<best_id[to_thread])){\nbest_key[to_thread]=key;\nbest_id[to_thread]=id;\n}\n}\n@compute @workgroup_size(THREADS)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nlet row=rows[group.x*4u+2u];\nlet sequence=rows[row*4u];\nlet position=rows[row*4u+1u];\nlet ruled=(settings[sequence*SETTINGS_WORDS+FLAGS]&RULES)!=0u;\nvar best=0u;\nvar id=NO_TOKEN;\nfor(var quad=thread;quad<QUADS;quad+=THREADS){\nvar bits=logits[group.x*STRIDE_QUADS+quad];\nif(ruled){bits=scores[group.x*STRIDE_QUADS+quad];}\nfor(var j=0u;j<4u;j++){\nlet key=select(0u,key_of(bits[j]),quad*4u+j<V);\nif(key>best){\nbest=key;\nid=quad*4u+j;\n}\n}\n}\nbest_key[thread]=best;\nbest_id[thread]=id;\nworkgroupBarrier();\nif(thread<16u){\nfor(var i=thread+16u;i<THREADS;i+=16u){take(i,thread);}\n}\nworkgroupBarrier();\nif(thread==0u){\nfor(var i=1u;i<16u;i++){take(i,0u);}\nif(position+1u<POSITIONS){history[sequence*POSITIONS+position+1u]=best_id[0];}\nrows[row*4u+1u]=position+1u;\n}\n}"
}

export const SAMPLE_GREEDY = {
  "THREADS": 256
} as const

export const SAMPLER_MATH = {
  "MINUS_INFINITY": 4286578688,
  "ONE": 1065353216,
  "TOP_WEIGHT": 2147483648
} as const

export const samplerSettings: TypedShader<never, never, never> = {
  "name": "sampler_settings",
  "provides": "sampler_settings",
  "code": "const SETTINGS_WORDS=32u;\nconst LIST_WORDS=16384u;\nconst NO_TOKEN=0xffffffffu;\nconst SHORTLIST_HEAD=8u;\nconst FLAGS=0u;\nconst ZERO=1u;\nconst PROMPT_LENGTH=2u;\nconst SEED=3u;\nconst TEMPERATURE=5u;\nconst TOP_K=6u;\nconst TOP_P=7u;\nconst MIN_P=8u;\nconst TYPICAL_P=9u;\nconst EPSILON=10u;\nconst ETA=11u;\nconst ETA_ROOT=12u;\nconst REPETITION=13u;\nconst FREQUENCY=14u;\nconst PRESENCE=15u;\nconst NGRAM=16u;\nconst SHORT_BELOW=17u;\nconst BIASES=18u;\nconst BIASED=20u;\nconst WORDS=22u;\nconst ENDS=24u;\nconst BANS=26u;\nconst TOP_LOGPROBS=28u;\nconst SAMPLE=1u;\nconst RULES=2u;\nconst HAS_TOP_P=4u;\nconst HAS_MIN_P=8u;\nconst HAS_TYPICAL_P=16u;\nconst HAS_EPSILON=32u;\nconst HAS_ETA=64u;\nconst COUNTS=128u;\nconst MASKED=256u;\nconst INFINITE=0x7f800000u;\nfn key_of(bits:u32)->u32{\nlet magnitude=bits&0x7fffffffu;\nif(magnitude>INFINITE||bits==0xff800000u){return 0u;}\nif(magnitude<0x00800000u){return 0x80000000u;}\nreturn select(bits|0x80000000u,~bits,(bits>>31u)==1u);\n}"
}

export const SAMPLER_SETTINGS = {
  "SETTINGS_WORDS": 32,
  "LIST_WORDS": 16384,
  "NO_TOKEN": 4294967295,
  "SHORTLIST_HEAD": 8,
  "FLAGS": 0,
  "ZERO": 1,
  "PROMPT_LENGTH": 2,
  "SEED": 3,
  "TEMPERATURE": 5,
  "TOP_K": 6,
  "TOP_P": 7,
  "MIN_P": 8,
  "TYPICAL_P": 9,
  "EPSILON": 10,
  "ETA": 11,
  "ETA_ROOT": 12,
  "REPETITION": 13,
  "FREQUENCY": 14,
  "PRESENCE": 15,
  "NGRAM": 16,
  "SHORT_BELOW": 17,
  "BIASES": 18,
  "BIASED": 20,
  "WORDS": 22,
  "ENDS": 24,
  "BANS": 26,
  "TOP_LOGPROBS": 28,
  "SAMPLE": 1,
  "RULES": 2,
  "HAS_TOP_P": 4,
  "HAS_MIN_P": 8,
  "HAS_TYPICAL_P": 16,
  "HAS_EPSILON": 32,
  "HAS_ETA": 64,
  "COUNTS": 128,
  "MASKED": 256,
  "INFINITE": 2139095040
} as const

export const scaleOne: TypedShader<never, never, never> = {
  "name": "scale_one",
  "provides": "scale",
  "code": "fn measure_rows(first_row:u32,thread:u32){}\nfn row_scale(row:u32)->f32{\nreturn 1.0;\n}"
}

export const SHORTLIST = {
  "THREADS": 256,
  "PAIRS": 128
} as const

export const startBias: TypedShader<'bias', never, never> = {
  "name": "start_bias",
  "provides": "start",
  "code": "@group(0)@binding(8)var<storage,read>bias:array<vec2f>;\nfn start_pair(row:u32,col:u32)->vec2f{\nreturn bias[col/2u];\n}"
}

export const startZero: TypedShader<never, never, never> = {
  "name": "start_zero",
  "provides": "start",
  "code": "fn start_pair(row:u32,col:u32)->vec2f{\nreturn vec2f();\n}"
}

export const streamRead: TypedShader<'words' | 'sums', 'WORDS' | 'THREADS', never> = {
  "name": "stream_read",
  "code": "override WORDS:u32;\noverride THREADS:u32;\nconst WORKGROUP=64u;\n@group(0)@binding(0)var<storage,read>words:array<vec4u>;\n@group(0)@binding(1)var<storage,read_write>sums:array<vec4u>;\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(global_invocation_id)id:vec3u){\nvar sum=vec4u();\nfor(var i=id.x;i<WORDS;i+=THREADS){sum^=words[i];}\nsums[id.x]=sum;\n}"
}

export const STREAM_READ = {
  "WORKGROUP": 64
} as const

export const TILE_F16 = {
  "TILE_STEPS": 8
} as const

export const TILE_F32 = {
  "TILE_STEPS": 8
} as const

export const TILE_INT8 = {
  "TILE_STEPS": 2
} as const

export const TILE_MAX_WORKGROUP = {
  "STRIPES": 8
} as const

export const WEIGHTS_BLOCKS = {
  "QUADS_PER_READ": 8,
  "QUADS_PER_STEP": 8
} as const

export const WEIGHTS_COLUMNS = {
  "QUADS_PER_READ": 1,
  "QUADS_PER_STEP": 1
} as const

export const weightsF16Native: TypedShader<'weights', 'K_BLOCKS', never> = {
  "name": "weights_f16_native",
  "provides": "weights",
  "enables": [
    "f16"
  ],
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4<f16>>;\nfn weight_quad(row:u32,quad:u32)->vec4f{\nreturn vec4f(weights[row*K_BLOCKS*8u+quad]);\n}\nconst QUADS_PER_READ=1u;\nfn read_quads(row:u32,quad:u32)->vec4f{\nreturn weight_quad(row,quad);\n}\nfn quad_of(quads:vec4f,i:u32)->vec4f{\nreturn quads;\n}\nconst QUADS_PER_STEP=2u;\nstruct Inputs{\nx0:vec4f,\nx1:vec4f,\n}\nfn load_inputs(at:u32)->Inputs{\nreturn Inputs(x[at],x[at+1u]);\n}\nfn step_dot(row:u32,step:u32,inputs:Inputs)->f32{\nlet at=row*K_BLOCKS*8u+step*2u;\nreturn dot(vec4f(weights[at]),inputs.x0)+dot(vec4f(weights[at+1u]),inputs.x1);\n}"
}

export const WEIGHTS_F16_NATIVE = {
  "QUADS_PER_READ": 1,
  "QUADS_PER_STEP": 2
} as const

export const weightsF32: TypedShader<'weights', 'K_BLOCKS', never> = {
  "name": "weights_f32",
  "provides": "weights",
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4f>;\nfn weight_quad(row:u32,quad:u32)->vec4f{\nreturn weights[row*K_BLOCKS*8u+quad];\n}\nconst QUADS_PER_READ=1u;\nfn read_quads(row:u32,quad:u32)->vec4f{\nreturn weight_quad(row,quad);\n}\nfn quad_of(quads:vec4f,i:u32)->vec4f{\nreturn quads;\n}\nconst QUADS_PER_STEP=1u;\nalias Inputs=vec4f;\nfn load_inputs(at:u32)->Inputs{\nreturn x[at];\n}\nfn step_dot(row:u32,step:u32,inputs:Inputs)->f32{\nreturn dot(weights[row*K_BLOCKS*8u+step],inputs);\n}"
}

export const WEIGHTS_F32 = {
  "QUADS_PER_READ": 1,
  "QUADS_PER_STEP": 1
} as const

export const weightsHalves: TypedShader<'weights', 'K_BLOCKS', never> = {
  "name": "weights_halves",
  "provides": "weights",
  "needs": [
    "halves"
  ],
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\nfn weight_quad(row:u32,quad:u32)->vec4f{\nlet bits=weights[row*K_BLOCKS*4u+quad/2u];\nreturn unpack_quad(select(bits.xy,bits.zw,(quad&1u)==1u));\n}\nconst QUADS_PER_READ=1u;\nfn read_quads(row:u32,quad:u32)->vec4f{\nreturn weight_quad(row,quad);\n}\nfn quad_of(quads:vec4f,i:u32)->vec4f{\nreturn quads;\n}\nconst QUADS_PER_STEP=2u;\nstruct Inputs{\nx0:vec4f,\nx1:vec4f,\n}\nfn load_inputs(at:u32)->Inputs{\nreturn Inputs(x[at],x[at+1u]);\n}\nfn step_dot(row:u32,step:u32,inputs:Inputs)->f32{\nlet bits=weights[row*K_BLOCKS*4u+step];\nreturn dot(unpack_quad(bits.xy),inputs.x0)+dot(unpack_quad(bits.zw),inputs.x1);\n}"
}

export const WEIGHTS_HALVES = {
  "QUADS_PER_READ": 1,
  "QUADS_PER_STEP": 2
} as const

export const weightsQ4: TypedShader<'weights' | 'scales', 'K_BLOCKS', never> = {
  "name": "weights_q4",
  "provides": "weights",
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nfn block_scale(row:u32,block:u32)->f32{\nlet at=row*K_BLOCKS+block;\nreturn unpack2x16float(scales[at/2u])[at&1u];\n}\nfn low_nibbles(word:u32)->vec4f{\nreturn vec4f((vec4u(word)>>vec4u(0u,8u,16u,24u))&vec4u(15u))-vec4f(8.0);\n}\nfn weight_quad(row:u32,quad:u32)->vec4f{\nlet word=weights[row*K_BLOCKS+quad/8u][(quad/2u)&3u];\nreturn block_scale(row,quad/8u)*low_nibbles(word>>((quad&1u)*4u));\n}\nconst QUADS_PER_READ=1u;\nfn read_quads(row:u32,quad:u32)->vec4f{\nreturn weight_quad(row,quad);\n}\nfn quad_of(quads:vec4f,i:u32)->vec4f{\nreturn quads;\n}\nconst QUADS_PER_STEP=8u;\nstruct Inputs{\nx0:vec4f,\nx1:vec4f,\nx2:vec4f,\nx3:vec4f,\nx4:vec4f,\nx5:vec4f,\nx6:vec4f,\nx7:vec4f,\n}\nfn load_inputs(at:u32)->Inputs{\nreturn Inputs(x[at],x[at+1u],x[at+2u],x[at+3u],x[at+4u],x[at+5u],x[at+6u],x[at+7u]);\n}\nfn step_dot(row:u32,step:u32,inputs:Inputs)->f32{\nlet words=weights[row*K_BLOCKS+step];\nlet sum=dot(low_nibbles(words.x),inputs.x0)+dot(low_nibbles(words.x>>4u),inputs.x1)\n+dot(low_nibbles(words.y),inputs.x2)+dot(low_nibbles(words.y>>4u),inputs.x3)\n+dot(low_nibbles(words.z),inputs.x4)+dot(low_nibbles(words.z>>4u),inputs.x5)\n+dot(low_nibbles(words.w),inputs.x6)+dot(low_nibbles(words.w>>4u),inputs.x7);\nreturn block_scale(row,step)*sum;\n}"
}

export const WEIGHTS_Q4 = {
  "QUADS_PER_READ": 1,
  "QUADS_PER_STEP": 8
} as const

export const weightsQ8: TypedShader<'weights' | 'scales', 'K_BLOCKS', never> = {
  "name": "weights_q8",
  "provides": "weights",
  "code": "override K_BLOCKS:u32;\n@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nfn block_scale(row:u32,block:u32)->f32{\nlet at=row*K_BLOCKS+block;\nreturn unpack2x16float(scales[at/2u])[at&1u];\n}\nfn signed_bytes(word:u32)->vec4f{\nreturn vec4f(bitcast<vec4i>(vec4u(word)<<vec4u(24u,16u,8u,0u))>>vec4u(24u));\n}\nfn weight_quad(row:u32,quad:u32)->vec4f{\nlet word=weights[row*K_BLOCKS*2u+quad/4u][quad&3u];\nreturn block_scale(row,quad/8u)*signed_bytes(word);\n}\nconst QUADS_PER_READ=1u;\nfn read_quads(row:u32,quad:u32)->vec4f{\nreturn weight_quad(row,quad);\n}\nfn quad_of(quads:vec4f,i:u32)->vec4f{\nreturn quads;\n}\nconst QUADS_PER_STEP=4u;\nstruct Inputs{\nx0:vec4f,\nx1:vec4f,\nx2:vec4f,\nx3:vec4f,\n}\nfn load_inputs(at:u32)->Inputs{\nreturn Inputs(x[at],x[at+1u],x[at+2u],x[at+3u]);\n}\nfn step_dot(row:u32,step:u32,inputs:Inputs)->f32{\nlet words=weights[row*K_BLOCKS*2u+step];\nlet sum=dot(signed_bytes(words.x),inputs.x0)+dot(signed_bytes(words.y),inputs.x1)\n+dot(signed_bytes(words.z),inputs.x2)+dot(signed_bytes(words.w),inputs.x3);\nreturn block_scale(row,step/2u)*sum;\n}"
}

export const WEIGHTS_Q8 = {
  "QUADS_PER_READ": 1,
  "QUADS_PER_STEP": 4
} as const
