// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.

export const logprobs = {
  "name": "logprobs",
  "needs": [
    "sampler_math"
  ],
  "enables": [],
  "bindings": {
    "logits": {
      "binding": 0,
      "access": "read"
    },
    "rows": {
      "binding": 1,
      "access": "read"
    },
    "settings": {
      "binding": 2,
      "access": "read"
    },
    "history": {
      "binding": 3,
      "access": "read"
    },
    "logprobs": {
      "binding": 4,
      "access": "read_write"
    }
  },
  "constants": {
    "V": "required",
    "QUADS": "required",
    "STRIDE_QUADS": "required",
    "POSITIONS": "required"
  },
  "code": "override V:u32;\noverride QUADS:u32;\noverride STRIDE_QUADS:u32;\noverride POSITIONS:u32;\n@group(0)@binding(0)var<storage,read>logits:array<vec4u>;\n@group(0)@binding(1)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(2)var<storage,read>settings:array<u32>;\n@group(0)@binding(3)var<storage,read>history:array<u32>;\n@group(0)@binding(4)var<storage,read_write>logprobs:array<u32>;\nconst THREADS=256u;\nconst LIST=512u;\nconst STEPS=64u;\nconst MOST=20u;\nvar<workgroup>top_shared:atomic<u32>;\nvar<workgroup>own_best:array<u32,THREADS>;\nvar<workgroup>partial:array<f32,THREADS>;\nvar<workgroup>bound:u32;\nvar<workgroup>list_length:atomic<u32>;\nvar<workgroup>length_shared:u32;\nvar<workgroup>list_id:array<u32,LIST>;\nvar<workgroup>list_key:array<u32,LIST>;\nvar<workgroup>round_key:atomic<u32>;\nvar<workgroup>round_id:atomic<u32>;\nvar<private>thread:u32;\nvar<private>first_quad:u32;\nvar<private>first_word:u32;\nvar<private>top:f32;\nvar<private>log_sum:f32;\nfn load(quad:u32)->vec4u{\nlet bits=logits[first_quad+quad];\nvar keys:vec4u;\nfor(var j=0u;j<4u;j++){keys[j]=select(0u,key_of(bits[j]),quad*4u+j<V);}\nreturn keys;\n}\nfn logprob(key:u32)->u32{\nif(key==0u){return 0xff800000u;}\nreturn bitcast<u32>(bitcast<f32>(bits_of(key))-top-log_sum);\n}\nfn put(rank:u32,id:u32,key:u32){\nlogprobs[first_word+2u+rank]=id;\nlogprobs[first_word+2u+MOST+rank]=logprob(key);\n}\nfn find_bests(){\nvar best=0u;\nfor(var quad=thread;quad<QUADS;quad+=THREADS){\nlet keys=load(quad);\nbest=max(best,max(max(keys.x,keys.y),max(keys.z,keys.w)));\n}\nown_best[thread]=best;\natomicMax(&top_shared,best);\nworkgroupBarrier();\ntop=bitcast<f32>(bits_of(atomicLoad(&top_shared)));\n}\nfn find_log_sum(){\nvar sums=vec4f(0.0);\nfor(var quad=thread;quad<QUADS;quad+=THREADS){\nlet keys=load(quad);\nfor(var j=0u;j<4u;j++){\nif(keys[j]!=0u){sums[j]+=exp(bitcast<f32>(bits_of(keys[j]))-top);}\n}\n}\npartial[thread]=(sums.x+sums.y)+(sums.z+sums.w);\nfor(var half=THREADS/2u;half>0u;half/=2u){\nworkgroupBarrier();\nif(thread<half){partial[thread]+=partial[thread+half];}\n}\nworkgroupBarrier();\nlog_sum=log(partial[0]);\n}\nfn list_best(count:u32)->bool{\nlet mine=own_best[thread];\nvar better=0u;\nfor(var i=0u;i<THREADS;i++){\nlet other=own_best[i];\nif(other>mine||(other==mine&&i<thread)){better++;}\n}\nif(better==count-1u){bound=max(mine,1u);}\nworkgroupBarrier();\nfor(var quad=thread;quad<QUADS;quad+=THREADS){\nlet keys=load(quad);\nfor(var j=0u;j<4u;j++){\nif(keys[j]<bound||atomicLoad(&list_length)>LIST){continue;}\nlet at=atomicAdd(&list_length,1u);\nif(at<LIST){\nlist_id[at]=quad*4u+j;\nlist_key[at]=keys[j];\n}\n}\n}\nworkgroupBarrier();\nif(thread==0u){length_shared=atomicLoad(&list_length);}\nreturn workgroupUniformLoad(&length_shared)<=LIST;\n}\nfn put_listed(count:u32){\nfor(var i=thread;i<length_shared;i+=THREADS){\nvar rank=0u;\nfor(var j=0u;j<length_shared;j++){\nif(list_key[j]>list_key[i]||(list_key[j]==list_key[i]&&list_id[j]<list_id[i])){rank++;}\n}\nif(rank<count){put(rank,list_id[i],list_key[i]);}\n}\n}\nfn put_one_by_one(count:u32){\nvar last_key=0xffffffffu;\nvar last_id=0u;\nfor(var rank=0u;rank<count;rank++){\nif(thread==0u){\natomicStore(&round_key,0u);\natomicStore(&round_id,0u);\n}\nworkgroupBarrier();\nvar best=0u;\nvar id=0u;\nfor(var quad=thread;quad<QUADS;quad+=THREADS){\nlet keys=load(quad);\nfor(var j=0u;j<4u;j++){\nlet next=quad*4u+j;\nif(keys[j]>best&&(keys[j]<last_key||(keys[j]==last_key&&next>last_id))){\nbest=keys[j];\nid=next;\n}\n}\n}\natomicMax(&round_key,best);\nworkgroupBarrier();\nlast_key=atomicLoad(&round_key);\nif(best!=0u&&best==last_key){atomicMax(&round_id,~id);}\nworkgroupBarrier();\nlast_id= ~atomicLoad(&round_id);\nif(thread==0u&&last_key!=0u){put(rank,last_id,last_key);}\nworkgroupBarrier();\n}\n}\n@compute @workgroup_size(THREADS)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)index:u32){\nlet row=rows[rows[group.x].z];\nlet wanted=settings[row.x*SETTINGS_WORDS+TOP_LOGPROBS];\nif(wanted==0u||row.y>=POSITIONS){return;}\nlet count=min(wanted-1u,MOST);\nthread=index;\nfirst_quad=group.x*STRIDE_QUADS;\nfirst_word=(row.x*STEPS+row.y%STEPS)*(2u+2u*MOST);\nif(index<MOST){logprobs[first_word+2u+index]=NO_TOKEN;}\nfind_bests();\nfind_log_sum();\nif(index==0u){\nlet id=history[row.x*POSITIONS+row.y];\nlogprobs[first_word]=id;\nvar key=0u;\nif(id<V){key=load(id/4u)[id%4u];}\nlogprobs[first_word+1u]=logprob(key);\n}\nstorageBarrier();\nif(count>0u){\nif(list_best(count)){put_listed(count);}else{put_one_by_one(count);}\n}\n}"
} as const
