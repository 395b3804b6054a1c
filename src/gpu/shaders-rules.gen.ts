// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.

export const rulesCopy = {
  "name": "rules_copy",
  "needs": [
    "sampler_math"
  ],
  "enables": [],
  "bindings": {
    "logits": {
      "binding": 0,
      "access": "read"
    },
    "scores": {
      "binding": 1,
      "access": "read_write"
    },
    "rows": {
      "binding": 2,
      "access": "read"
    },
    "settings": {
      "binding": 3,
      "access": "read"
    }
  },
  "constants": {
    "QUADS": "required",
    "STRIDE_QUADS": "required"
  },
  "code": "override QUADS:u32;\noverride STRIDE_QUADS:u32;\n@group(0)@binding(0)var<storage,read>logits:array<vec4u>;\n@group(0)@binding(1)var<storage,read_write>scores:array<vec4u>;\n@group(0)@binding(2)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(3)var<storage,read>settings:array<u32>;\n@compute @workgroup_size(256)\nfn main(@builtin(global_invocation_id)id:vec3u){\nlet sequence=rows[rows[id.y].z].x;\nif((settings[sequence*SETTINGS_WORDS+FLAGS]&RULES)==0u||id.x>=QUADS){return;}\nlet at=id.y*STRIDE_QUADS+id.x;\nscores[at]=logits[at];\n}"
} as const

export const rulesScatter = {
  "name": "rules_scatter",
  "needs": [
    "sampler_math"
  ],
  "enables": [],
  "bindings": {
    "scores": {
      "binding": 0,
      "access": "read_write"
    },
    "counts": {
      "binding": 1,
      "access": "read_write"
    },
    "rows": {
      "binding": 2,
      "access": "read"
    },
    "settings": {
      "binding": 3,
      "access": "read"
    },
    "history": {
      "binding": 4,
      "access": "read"
    },
    "lists": {
      "binding": 5,
      "access": "read"
    }
  },
  "constants": {
    "V": "required",
    "STRIDE": "required",
    "POSITIONS": "required"
  },
  "code": "override V:u32;\noverride STRIDE:u32;\noverride POSITIONS:u32;\n@group(0)@binding(0)var<storage,read_write>scores:array<atomic<u32>>;\n@group(0)@binding(1)var<storage,read_write>counts:array<atomic<u32>>;\n@group(0)@binding(2)var<storage,read>rows:array<vec4u>;\n@group(0)@binding(3)var<storage,read>settings:array<u32>;\n@group(0)@binding(4)var<storage,read>history:array<u32>;\n@group(0)@binding(5)var<storage,read>lists:array<u32>;\nconst THREADS=256u;\nconst MINUS_INFINITY=0xff800000u;\nvar<private>first_score:u32;\nvar<private>first_count:u32;\nvar<private>first_token:u32;\nvar<private>first_item:u32;\nvar<private>length:u32;\nvar<private>zero:u32;\nfn score(id:u32)->f32{\nreturn bitcast<f32>(atomicLoad(&scores[first_score+id]));\n}\nfn set_score(id:u32,value:f32){\natomicStore(&scores[first_score+id],bitcast<u32>(value));\n}\nfn ban(id:u32){\nif(id<V){atomicStore(&scores[first_score+id],MINUS_INFINITY);}\n}\nfn ban_list(at:u32,count:u32,thread:u32){\nfor(var i=thread;i<count;i+=THREADS){ban(lists[first_item+at+i]);}\n}\nfn ends_with(at:u32,count:u32)->bool{\nif(count>length){return false;}\nfor(var i=0u;i<count;i++){\nif(history[first_token+length-count+i]!=lists[at+i]){return false;}\n}\nreturn true;\n}\nfn sequences(at:u32,count:u32,bans:bool,thread:u32){\nfor(var group=thread;group<count;group+=THREADS){\nvar word=first_item+lists[first_item+at+group];\nlet id=lists[word];\nlet entries=lists[word+1u];\nword+=2u;\nvar sum=0.0;\nvar matched=false;\nfor(var entry=0u;entry<entries;entry++){\nlet before=lists[word];\nif(ends_with(word+2u,before)){\nsum=apart(sum+bitcast<f32>(lists[word+1u]),zero);\nmatched=true;\n}\nword+=2u+before;\n}\nif(!matched||id>=V){continue;}\nif(bans){ban(id);}else{set_score(id,score(id)+sum);}\n}\n}\nfn count_tokens(first:u32,thread:u32){\nfor(var i=first+thread;i<length;i+=THREADS){\nlet id=history[first_token+i];\nif(id<V){atomicAdd(&counts[first_count+id],1u);}\n}\n}\nfn take_count(i:u32)->vec2u{\nlet id=history[first_token+i];\nif(id>=V){return vec2u(0u);}\nreturn vec2u(id,atomicExchange(&counts[first_count+id],0u));\n}\nfn repetition(penalty:u32,thread:u32){\nfor(var i=thread;i<length;i+=THREADS){\nlet taken=take_count(i);\nif(taken.y==0u){continue;}\nlet bits=atomicLoad(&scores[first_score+taken.x]);\nif(bitcast<f32>(bits)<0.0){\nset_score(taken.x,apart(bitcast<f32>(bits)*bitcast<f32>(penalty),zero));\n}else{\natomicStore(&scores[first_score+taken.x],divide(bits,penalty));\n}\n}\n}\nfn ngrams(n:u32,thread:u32){\nlet before=n-1u;\nif(length<n){return;}\nfor(var start=thread;start<=length-n;start+=THREADS){\nvar same=0u;\nwhile(same<before&&history[first_token+start+same]==history[first_token+length-before+same]){\nsame++;\n}\nif(same==before){ban(history[first_token+start+before]);}\n}\n}\nfn penalties(first:u32,frequency:f32,presence:f32,thread:u32){\nfor(var i=first+thread;i<length;i+=THREADS){\nlet taken=take_count(i);\nif(taken.y==0u){continue;}\nlet once=apart(score(taken.x)-apart(frequency*f32(taken.y),zero),zero);\nset_score(taken.x,once-presence);\n}\n}\n@compute @workgroup_size(THREADS)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nlet row=rows[rows[group.x].z];\nlet at=row.x*SETTINGS_WORDS;\nlet flags=settings[at+FLAGS];\nif((flags&RULES)==0u){return;}\nfirst_score=group.x*STRIDE;\nfirst_count=group.x*V;\nfirst_token=row.x*POSITIONS;\nfirst_item=row.x*LIST_WORDS;\nlength=min(row.y+1u,POSITIONS);\nzero=settings[at+ZERO];\nlet biases=settings[at+BIASES];\nfor(var i=thread;i<settings[at+BIASES+1u];i+=THREADS){\nlet id=lists[first_item+biases+2u*i];\nif(id<V){set_score(id,score(id)+bitcast<f32>(lists[first_item+biases+2u*i+1u]));}\n}\nstorageBarrier();\nsequences(settings[at+BIASED],settings[at+BIASED+1u],false,thread);\nstorageBarrier();\nlet penalty=settings[at+REPETITION];\nif(penalty!=ONE){\ncount_tokens(0u,thread);\nstorageBarrier();\nrepetition(penalty,thread);\nstorageBarrier();\n}\nlet n=settings[at+NGRAM];\nif(n>0u){ngrams(n,thread);}\nsequences(settings[at+WORDS],settings[at+WORDS+1u],true,thread);\nif(length<settings[at+SHORT_BELOW]){ban_list(settings[at+ENDS],settings[at+ENDS+1u],thread);}\nban_list(settings[at+BANS],settings[at+BANS+1u],thread);\nif((flags&COUNTS)!=0u){\nlet prompt=settings[at+PROMPT_LENGTH];\ncount_tokens(prompt,thread);\nstorageBarrier();\npenalties(prompt,bitcast<f32>(settings[at+FREQUENCY]),bitcast<f32>(settings[at+PRESENCE]),thread);\n}\n}"
} as const
