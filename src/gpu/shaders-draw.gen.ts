// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.

export const drawDense = {
  "name": "draw_dense",
  "needs": [
    "sampler_math",
    "draw_rules"
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
      "access": "read_write"
    },
    "settings": {
      "binding": 3,
      "access": "read"
    },
    "history": {
      "binding": 4,
      "access": "read_write"
    }
  },
  "constants": {
    "V": "required",
    "STRIDE": "required",
    "POSITIONS": "required"
  },
  "code": "override V:u32;\noverride STRIDE:u32;\noverride POSITIONS:u32;\n@group(0)@binding(0)var<storage,read>logits:array<u32>;\n@group(0)@binding(1)var<storage,read_write>scores:array<u32>;\n@group(0)@binding(2)var<storage,read_write>rows:array<u32>;\n@group(0)@binding(3)var<storage,read>settings:array<u32>;\n@group(0)@binding(4)var<storage,read_write>history:array<u32>;\nconst THREADS=256u;\nvar<workgroup>place:vec3u;\nvar<workgroup>tops:array<atomic<u32>,8>;\nvar<workgroup>best_id:atomic<u32>;\nvar<workgroup>low:array<atomic<u32>,THREADS>;\nvar<workgroup>high:array<atomic<u32>,THREADS>;\nvar<workgroup>sixteen:array<vec2u,16>;\nconst TOTAL=0u;\nconst GAPS=1u;\nconst VALUES=2u;\nconst IDS=6u;\nconst PASSES=9u;\nfn needs(rule:u32,pass_of_rule:u32)->bool{\nlet by_value=rule==RULE_TOP_K||rule==RULE_TOP_P||rule==RULE_TYPICAL_P;\nif(pass_of_rule==TOTAL){return rule!=RULE_TOP_K&&rule!=RULE_MIN_P;}\nif(pass_of_rule==GAPS){return rule==RULE_TYPICAL_P||rule==RULE_ETA;}\nif(pass_of_rule<IDS){return by_value;}\nreturn rule==RULE_TOP_P||rule==DRAW;\n}\nfn value_of(rule:u32,key:u32,top:u32,mean:f32,zero:u32)->u32{\nswitch rule{\ncase RULE_TOP_K:{return ~key;}\ncase RULE_TOP_P:{return key;}\ndefault:{return distance_of(key,top,mean,zero);}\n}\n}\nfn add_to_bin(bin:u32,sum:vec2u){\nif((sum.x|sum.y)==0u){return;}\nlet old=atomicAdd(&low[bin],sum.x);\nlet carry=sum.y+select(0u,1u,old+sum.x<old);\nif(carry>0u){atomicAdd(&high[bin],carry);}\n}\n@compute @workgroup_size(THREADS)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nif(thread==0u){\nlet row=rows[group.x*4u+2u];\nplace=vec3u(row,rows[row*4u],rows[row*4u+1u]);\n}\nlet at_place=workgroupUniformLoad(&place);\nlet at=at_place.y*SETTINGS_WORDS;\nlet target_at=at_place.y*POSITIONS+at_place.z+1u;\nlet first=group.x*STRIDE;\nlet zero=settings[at+ZERO];\nlet ruled=(settings[at+FLAGS]&RULES)!=0u;\nlet sampling=(settings[at+FLAGS]&SAMPLE)!=0u;\nlet divisor=select(ONE,settings[at+TEMPERATURE],sampling);\nlet step=at_place.z+1u-settings[at+PROMPT_LENGTH];\nvar best=0u;\nvar id=0u;\nfor(var i=thread;i<V;i+=THREADS){\nvar bits=logits[first+i];\nif(ruled){bits=scores[first+i];}\nlet key=key_of(divide(bits,divisor));\nscores[first+i]=key;\nif(key>best){\nbest=key;\nid=i;\n}\n}\natomicMax(&tops[RULE_TOP_K],best);\nworkgroupBarrier();\nvar top=atomicLoad(&tops[RULE_TOP_K]);\nif(best==top&&best!=0u){atomicMax(&best_id,~id);}\nworkgroupBarrier();\nvar choice= ~atomicLoad(&best_id);\nfor(var rule=select(DRAW+1u,RULE_TOP_K,sampling);rule<=DRAW;rule++){\nif(!applies(rule,at)){continue;}\nvar total=vec2u(0u);\nvar mean=0.0;\nvar goal=goal_of(rule,at,total,step);\nvar found=vec2u(0u);\nfor(var pass_of_rule=0u;pass_of_rule<PASSES;pass_of_rule++){\nif(!needs(rule,pass_of_rule)){continue;}\nlet by_id=pass_of_rule>=IDS;\nlet shift=select(8u*(IDS-1u-pass_of_rule),8u*(PASSES-1u-pass_of_rule),by_id);\natomicStore(&low[thread],0u);\natomicStore(&high[thread],0u);\nworkgroupBarrier();\nvar run_bin=0u;\nvar run=vec2u(0u);\nfor(var i=thread;i<V;i+=THREADS){\nlet key=scores[first+i];\nif(key==0u){continue;}\nvar bin=0u;\nif(pass_of_rule>=VALUES){\nlet value=value_of(rule,key,top,mean,zero);\nif(by_id&&rule==RULE_TOP_P&&value!=found.x){continue;}\nlet digits=select(value,i,by_id)>>shift;\nif((digits>>8u)!=select(found.x,found.y,by_id)){continue;}\nbin=digits&255u;\n}\nvar measure=vec2u(1u,0u);\nif(pass_of_rule==GAPS){\nmeasure=weighted_gap(key,top,zero);\n}else if(rule!=RULE_TOP_K){\nmeasure.x=weight_of(key,top,zero);\n}\nif(bin!=run_bin){\nadd_to_bin(run_bin,run);\nrun_bin=bin;\nrun=vec2u(0u);\n}\nrun=add64(run,measure);\n}\nadd_to_bin(run_bin,run);\nworkgroupBarrier();\nif(thread<16u){\nvar inside=vec2u(0u);\nfor(var i=0u;i<16u;i++){\ninside=add64(inside,vec2u(atomicLoad(&low[thread*16u+i]),atomicLoad(&high[thread*16u+i])));\n}\nsixteen[thread]=inside;\n}\nworkgroupBarrier();\nlet sum=vec2u(atomicLoad(&low[0]),atomicLoad(&high[0]));\nif(pass_of_rule==TOTAL){\ntotal=sum;\ngoal=goal_of(rule,at,total,step);\n}else if(pass_of_rule==GAPS){\nmean=mean_of(sum,total);\n}else{\nvar group_of=0u;\nfor(var i=0u;i<15u;i++){\nlet beyond=group_of==i&& !less64(goal,sixteen[i]);\ngoal=select(goal,sub64(goal,sixteen[i]),vec2<bool>(beyond));\ngroup_of+=select(0u,1u,beyond);\n}\nvar bin=group_of*16u;\nfor(var i=0u;i<15u;i++){\nlet inside=vec2u(atomicLoad(&low[group_of*16u+i]),atomicLoad(&high[group_of*16u+i]));\nlet beyond=bin==group_of*16u+i&& !less64(goal,inside);\ngoal=select(goal,sub64(goal,inside),vec2<bool>(beyond));\nbin+=select(0u,1u,beyond);\n}\nif(by_id){found.y=(found.y<<8u)|bin;}else{found.x=(found.x<<8u)|bin;}\n}\nworkgroupBarrier();\n}\nif(rule==DRAW){\nchoice=select(choice,found.y,top!=0u);\n}else{\nlet least=least_of(rule,at,total,mean,zero);\nvar left_best=0u;\nfor(var i=thread;i<V;i+=THREADS){\nlet key=scores[first+i];\nvar keep=key!=0u;\nswitch rule{\ncase RULE_TOP_K:{keep=keep&& ~key<=found.x;}\ncase RULE_TOP_P:{keep=keep&&(key>found.x||(key==found.x&&i>=found.y));}\ncase RULE_TYPICAL_P:{\nkeep=keep&&weight_of(key,top,zero)>0u&&distance_of(key,top,mean,zero)<=found.x;\n}\ndefault:{keep=keep&&(weight_of(key,top,zero)>=least||key==top);}\n}\nscores[first+i]=select(0u,key,keep);\nleft_best=max(left_best,select(0u,key,keep));\n}\natomicMax(&tops[rule+1u],left_best);\n}\nworkgroupBarrier();\nif(rule!=DRAW){top=atomicLoad(&tops[rule+1u]);}\n}\nif(thread==0u){\nif(at_place.z+1u<POSITIONS){history[target_at]=choice;}\nrows[at_place.x*4u+1u]=at_place.z+1u;\n}\n}"
} as const

export const drawRules = {
  "name": "draw_rules",
  "provides": "draw_rules",
  "needs": [],
  "enables": [],
  "bindings": {},
  "constants": {},
  "code": "const RULE_TOP_K=0u;\nconst RULE_TOP_P=1u;\nconst RULE_MIN_P=2u;\nconst RULE_TYPICAL_P=3u;\nconst RULE_EPSILON=4u;\nconst RULE_ETA=5u;\nconst DRAW=6u;\nconst LIST_TOO_SHORT=0xfffffffeu;\nfn applies(rule:u32,at:u32)->bool{\nlet flags=settings[at+FLAGS];\nswitch rule{\ncase RULE_TOP_K:{return settings[at+TOP_K]>0u&&settings[at+TOP_K]<V;}\ncase RULE_TOP_P:{return(flags&HAS_TOP_P)!=0u;}\ncase RULE_MIN_P:{return(flags&HAS_MIN_P)!=0u;}\ncase RULE_TYPICAL_P:{return(flags&HAS_TYPICAL_P)!=0u;}\ncase RULE_EPSILON:{return(flags&HAS_EPSILON)!=0u;}\ncase RULE_ETA:{return(flags&HAS_ETA)!=0u;}\ndefault:{return true;}\n}\n}\nfn goal_of(rule:u32,at:u32,total:vec2u,step:u32)->vec2u{\nswitch rule{\ncase RULE_TOP_K:{return vec2u(settings[at+TOP_K]-1u,0u);}\ncase RULE_TOP_P:{return share64(total,settings[at+TOP_P]);}\ncase RULE_TYPICAL_P:{\nlet mass=share64(total,settings[at+TYPICAL_P]);\nreturn sub64(mass,vec2u(select(0u,1u,(mass.x|mass.y)!=0u),0u));\n}\ndefault:{return share64(total,pcg3d(vec3u(settings[at+SEED],settings[at+SEED+1u],step)));}\n}\n}\nfn least_of(rule:u32,at:u32,total:vec2u,mean:f32,zero:u32)->u32{\nif(rule==RULE_MIN_P){return settings[at+MIN_P];}\nlet share=share64(total,settings[at+select(EPSILON,ETA,rule==RULE_ETA)]);\nlet least=select(min(share.x,TOP_WEIGHT),TOP_WEIGHT,share.y>0u);\nlet rooted=min(least,share64(vec2u(weight_of_gap(mean,zero),0u),settings[at+ETA_ROOT]).x);\nreturn select(least,rooted,rule==RULE_ETA);\n}\nfn weighted_gap(key:u32,top:u32,zero:u32)->vec2u{\nlet gap=gap_of(key,top,zero);\nlet weight=weight_of_gap(gap,zero);\nlet product=mul64(u32(min(gap,64.0)*4194304.0),weight);\nreturn vec2u((product.x>>8u)|(product.y<<24u),product.y>>8u);\n}\nfn mean_of(sum:vec2u,total:vec2u)->f32{\nvar quotient=vec2u(0u);\nvar rest=vec2u(0u);\nfor(var bit=63;bit>= -24;bit--){\nlet word=select(sum.x,sum.y,bit>=32);\nlet digit=select(0u,(word>>(u32(bit)&31u))&1u,bit>=0);\nrest=vec2u((rest.x<<1u)|digit,(rest.y<<1u)|(rest.x>>31u));\nlet fits= !less64(rest,total);\nlet smaller=sub64(rest,total);\nrest=select(rest,smaller,vec2<bool>(fits));\nquotient=vec2u((quotient.x<<1u)|select(0u,1u,fits),(quotient.y<<1u)|(quotient.x>>31u));\n}\nvar exponent= -38;\nfor(var i=0;i<40;i++){\nlet large=quotient.y>0u||quotient.x>=16777216u;\nlet halved=vec2u((quotient.x>>1u)|(quotient.y<<31u),quotient.y>>1u);\nquotient=select(quotient,halved,vec2<bool>(large));\nexponent+=select(0,1,large);\n}\nreturn f32(quotient.x)*bitcast<f32>(u32(exponent+127)<<23u);\n}\nfn distance_of(key:u32,top:u32,mean:f32,zero:u32)->u32{\nreturn bitcast<u32>(abs(gap_of(key,top,zero)-mean));\n}"
} as const

export const drawShort = {
  "name": "draw_short",
  "needs": [
    "sampler_math",
    "draw_rules"
  ],
  "enables": [],
  "bindings": {
    "shortlist": {
      "binding": 0,
      "access": "read"
    },
    "rows": {
      "binding": 2,
      "access": "read_write"
    },
    "settings": {
      "binding": 3,
      "access": "read"
    },
    "history": {
      "binding": 4,
      "access": "read_write"
    }
  },
  "constants": {
    "V": "required",
    "POSITIONS": "required",
    "LIST": "required"
  },
  "code": "override V:u32;\noverride POSITIONS:u32;\noverride LIST:u32;\n@group(0)@binding(0)var<storage,read>shortlist:array<u32>;\n@group(0)@binding(2)var<storage,read_write>rows:array<u32>;\n@group(0)@binding(3)var<storage,read>settings:array<u32>;\n@group(0)@binding(4)var<storage,read_write>history:array<u32>;\nvar<workgroup>ids:array<u32,LIST>;\nvar<workgroup>keys:array<u32,LIST>;\nvar<workgroup>weights:array<u32,LIST>;\n@compute @workgroup_size(LIST)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nlet lists=group.x*(SHORTLIST_HEAD+2u*LIST);\nlet count=min(shortlist[lists],LIST);\nlet sequence=shortlist[lists+3u];\nlet position=shortlist[lists+4u];\nlet at=sequence*SETTINGS_WORDS;\nlet zero=settings[at+ZERO];\nlet step=position+1u-settings[at+PROMPT_LENGTH];\nlet target_at=sequence*POSITIONS+position+1u;\nlet id=select(NO_TOKEN,shortlist[lists+SHORTLIST_HEAD+thread],thread<count);\nvar key=select(0u,shortlist[lists+SHORTLIST_HEAD+LIST+thread],thread<count);\nif(thread==0u){\nrows[shortlist[lists+5u]*4u+1u]=position+1u;\nvar choice=shortlist[lists+2u];\nif(shortlist[lists]>LIST){choice=LIST_TOO_SHORT;}\nif(position+1u<POSITIONS){history[target_at]=choice;}\n}\nif((settings[at+FLAGS]&SAMPLE)==0u||shortlist[lists]>LIST||count==0u||position+1u>=POSITIONS){\nreturn;\n}\nids[thread]=id;\nfor(var rule=RULE_TOP_K;rule<=DRAW;rule++){\nif(!applies(rule,at)){continue;}\nkeys[thread]=key;\nworkgroupBarrier();\nvar top=0u;\nfor(var i=0u;i<count;i++){top=max(top,keys[i]);}\nlet weight=select(weight_of(key,top,zero),0u,key==0u);\nweights[thread]=weight;\nworkgroupBarrier();\nvar total=vec2u(0u);\nvar gaps=vec2u(0u);\nfor(var i=0u;i<count;i++){total=add64(total,vec2u(weights[i],0u));}\nif(rule==RULE_TYPICAL_P||rule==RULE_ETA){\nfor(var i=0u;i<count;i++){\nif(weights[i]!=0u){gaps=add64(gaps,weighted_gap(keys[i],top,zero));}\n}\n}\nlet mean=mean_of(gaps,total);\nlet goal=goal_of(rule,at,total,step);\nlet distance=distance_of(key,top,mean,zero);\nvar before=vec2u(0u);\nfor(var i=0u;i<count;i++){\nvar counts=false;\nvar measure=weights[i];\nswitch rule{\ncase RULE_TOP_K:{\ncounts=keys[i]>key;\nmeasure=1u;\n}\ncase RULE_TOP_P:{counts=keys[i]<key||(keys[i]==key&&ids[i]<id);}\ncase RULE_TYPICAL_P:{counts=distance_of(keys[i],top,mean,zero)<distance;}\ndefault:{counts=ids[i]<id;}\n}\nif(counts){before=add64(before,vec2u(measure,0u));}\n}\nlet through=less64(goal,add64(before,vec2u(weight,0u)));\nswitch rule{\ncase RULE_TOP_K:{if(less64(goal,before)){key=0u;}}\ncase RULE_TOP_P:{if(!through){key=0u;}}\ncase RULE_TYPICAL_P:{if(weight==0u||less64(goal,before)){key=0u;}}\ncase DRAW:{if(through&& !less64(goal,before)){history[target_at]=id;}}\ndefault:{if(weight<least_of(rule,at,total,mean,zero)&&key!=top){key=0u;}}\n}\nworkgroupBarrier();\n}\n}"
} as const

export const shortlist = {
  "name": "shortlist",
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
      "access": "read"
    },
    "rows": {
      "binding": 2,
      "access": "read"
    },
    "settings": {
      "binding": 3,
      "access": "read"
    },
    "shortlist": {
      "binding": 4,
      "access": "read_write"
    }
  },
  "constants": {
    "V": "required",
    "STRIDE": "required",
    "LIST": "required"
  },
  "code": "override V:u32;\noverride STRIDE:u32;\noverride LIST:u32;\n@group(0)@binding(0)var<storage,read>logits:array<u32>;\n@group(0)@binding(1)var<storage,read>scores:array<u32>;\n@group(0)@binding(2)var<storage,read>rows:array<u32>;\n@group(0)@binding(3)var<storage,read>settings:array<u32>;\n@group(0)@binding(4)var<storage,read_write>shortlist:array<u32>;\nconst THREADS=256u;\nvar<workgroup>own_best:array<u32,THREADS>;\nvar<workgroup>own_id:array<u32,THREADS>;\nvar<workgroup>bound:u32;\nvar<workgroup>length:atomic<u32>;\n@compute @workgroup_size(THREADS)\nfn main(@builtin(workgroup_id)group:vec3u,@builtin(local_invocation_index)thread:u32){\nlet row=rows[group.x*4u+2u];\nlet sequence=rows[row*4u];\nlet at=sequence*SETTINGS_WORDS;\nlet ruled=(settings[at+FLAGS]&RULES)!=0u;\nlet sampling=(settings[at+FLAGS]&SAMPLE)!=0u;\nlet divisor=select(ONE,settings[at+TEMPERATURE],sampling);\nlet k=select(1u,settings[at+TOP_K],sampling);\nlet first=group.x*STRIDE;\nvar best=0u;\nvar id=NO_TOKEN;\nfor(var i=thread;i<V;i+=THREADS){\nvar bits=logits[first+i];\nif(ruled){bits=scores[first+i];}\nlet key=key_of(bits);\nif(key>best){\nbest=key;\nid=i;\n}\n}\nown_best[thread]=best;\nown_id[thread]=id;\nworkgroupBarrier();\nvar better=0u;\nvar top=best;\nvar top_id=id;\nfor(var i=0u;i<THREADS;i++){\nlet other=own_best[i];\nif(other>best||(other==best&&i<thread)){better++;}\nif(other>top||(other==top&&own_id[i]<top_id)){\ntop=other;\ntop_id=own_id[i];\n}\n}\nif(better==k-1u){bound=best;}\nworkgroupBarrier();\nlet least=max(key_of(divide(bits_of(max(bound,1u)),divisor)),1u);\nlet lists=group.x*(SHORTLIST_HEAD+2u*LIST);\nif(sampling){\nfor(var i=thread;i<V;i+=THREADS){\nvar bits=logits[first+i];\nif(ruled){bits=scores[first+i];}\nlet key=key_of(bits);\nif(key==0u||key+64u<bound){continue;}\nlet scaled=key_of(divide(bits,divisor));\nif(scaled<least){continue;}\nlet place=atomicAdd(&length,1u);\nif(place<LIST){\nshortlist[lists+SHORTLIST_HEAD+place]=i;\nshortlist[lists+SHORTLIST_HEAD+LIST+place]=scaled;\n}\n}\n}\nworkgroupBarrier();\nif(thread==0u){\nshortlist[lists]=atomicLoad(&length);\nshortlist[lists+1u]=key_of(divide(bits_of(max(top,1u)),divisor));\nshortlist[lists+2u]=top_id;\nshortlist[lists+3u]=sequence;\nshortlist[lists+4u]=rows[row*4u+1u];\nshortlist[lists+5u]=row;\n}\n}"
} as const
