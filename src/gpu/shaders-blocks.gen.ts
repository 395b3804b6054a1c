// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.
import type { TypedShader } from './shader.ts'

export const blockF8E4m3: TypedShader<'weights', never, never> = {
  "name": "block_f8_e4m3",
  "provides": "block",
  "needs": [
    "groups"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nlow:vec4u,\nhigh:vec4u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=(row*K_BLOCKS+block)*2u;\nreturn Block(vec2f(group_scale(row,block/GROUP_BLOCKS)),vec2f(),weights[at],weights[at+1u]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet word=select(block.low,block.high,quad>3u)[quad&3u];\nlet bytes=vec4u(word)>>vec4u(0u,8u,16u,24u);\nlet magnitude=bytes&vec4u(127u);\nlet normal=(magnitude<<vec4u(20u))+vec4u(0x3c000000u);\nlet bits=select(normal,bitcast<vec4u>(vec4f(magnitude)*0.001953125),magnitude<vec4u(8u));\nlet sign=(bytes&vec4u(128u))<<vec4u(24u);\nreturn bitcast<vec4f>(sign|select(bits,vec4u(0x7fc00000u),magnitude==vec4u(127u)));\n}"
}

export const blockInt4: TypedShader<'weights', never, never> = {
  "name": "block_int4",
  "provides": "block",
  "needs": [
    "groups"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\nzero:f32,\nrow:u32,\nblock:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet quants=weights[row*K_BLOCKS+block];\nif(TABLES>0u){return Block(vec2f(1.0),vec2f(),quants,0.0,row,block);}\nlet group=block/GROUP_BLOCKS;\nreturn Block(vec2f(group_scale(row,group)),vec2f(),quants,group_zero(row,group),row,block);\n}\nfn nibbles(word:u32,quad:u32)->vec4u{\nreturn(vec4u(word)>>(vec4u(0u,8u,16u,24u)+4u*(quad&1u)))&vec4u(15u);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet quants=vec4f(nibbles(block.quants[quad/2u],quad));\nif(TABLES>0u){return by_column(block.row,block.block*8u+quad,quants);}\nreturn quants-vec4f(block.zero);\n}"
}

export const blockInt8: TypedShader<'weights', never, never> = {
  "name": "block_int8",
  "provides": "block",
  "needs": [
    "groups"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nlow:vec4u,\nhigh:vec4u,\nzero:f32,\nrow:u32,\nblock:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=(row*K_BLOCKS+block)*2u;\nif(TABLES>0u){return Block(vec2f(1.0),vec2f(),weights[at],weights[at+1u],0.0,row,block);}\nlet group=block/GROUP_BLOCKS;\nreturn Block(vec2f(group_scale(row,group)),vec2f(),weights[at],weights[at+1u],group_zero(row,group),row,block);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet word=select(block.low,block.high,quad>3u)[quad&3u];\nlet quants=vec4f((vec4u(word)>>vec4u(0u,8u,16u,24u))&vec4u(255u));\nif(TABLES>0u){return by_column(block.row,block.block*8u+quad,quants);}\nreturn quants-vec4f(block.zero);\n}"
}

export const blockIq1M: TypedShader<'weights' | 'grid', never, never> = {
  "name": "block_iq1_m",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<u32>;\n@group(0)@binding(3)var<storage,read>grid:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nlow:u32,\nhigh:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=(row*(K_BLOCKS/8u)+block/8u)*14u;\nlet j=block&7u;\nlet words=vec2u(weights[at+12u],weights[at+13u]);\nlet parts=(words>>vec2u(12u))&vec2u(15u);\nlet uppers=words>>vec2u(28u);\nlet d=unpack2x16float(parts.x|(uppers.x<<4u)|(parts.y<<8u)|(uppers.y<<12u)).x;\nlet three=vec2u(words[j/4u]>>(16u*((j/2u)&1u)+6u*(j&1u)))>>vec2u(0u,3u);\nlet scale=d*(2.0*vec2f(three&vec2u(7u))+1.0);\nreturn Block(scale,scale,weights[at+j],weights[at+8u+j/2u]>>(16u*(j&1u)));\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet l=quad/2u;\nlet high=block.high>>(4u*l);\nlet entry=grid[((block.low>>(8u*l))&255u)|((high&7u)<<8u)];\nreturn nibble_quad(entry,quad)+select(0.125,-0.125,(high&8u)>0u);\n}"
}

export const blockIq1S: TypedShader<'weights' | 'grid', never, never> = {
  "name": "block_iq1_s",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<u32>;\n@group(0)@binding(3)var<storage,read>grid:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nlow:u32,\nhigh:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet supers=K_BLOCKS/8u;\nlet first=row*(supers*12u+(supers+1u)/2u);\nlet super_block=block/8u;\nlet at=first+super_block*12u;\nlet j=block&7u;\nlet d=half_of(weights[first+supers*12u+super_block/2u],super_block);\nlet high=(weights[at+8u+j/2u]>>(16u*(j&1u)))&0xffffu;\nlet scale=d*f32(2u*((high>>12u)&7u)+1u);\nlet minimum=scale*select(0.875,1.125,high>0x7fffu);\nreturn Block(vec2f(scale),vec2f(minimum),weights[at+j],high);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet l=quad/2u;\nlet entry=grid[((block.low>>(8u*l))&255u)|(((block.high>>(3u*l))&7u)<<8u)];\nreturn nibble_quad(entry,quad);\n}"
}

export const blockIq2S: TypedShader<'weights' | 'grid', never, never> = {
  "name": "block_iq2_s",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<u32>;\n@group(0)@binding(3)var<storage,read>grid:array<vec2u>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nlow:u32,\nhigh:u32,\nsigns:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet supers=K_BLOCKS/8u;\nlet first=row*(supers*20u+(supers+1u)/2u);\nlet super_block=block/8u;\nlet at=first+super_block*20u;\nlet j=block&7u;\nlet d=half_of(weights[first+supers*20u+super_block/2u],super_block);\nlet scale=vec2f((vec2u(weights[at+18u+j/4u]>>(8u*(j&3u)))>>vec2u(0u,4u))&vec2u(15u));\nlet high=weights[at+16u+j/4u]>>(8u*(j&3u));\nreturn Block(d*(0.25*scale+0.125),vec2f(),weights[at+j],high,weights[at+8u+j]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet l=quad/2u;\nlet entry=grid[((block.low>>(8u*l))&255u)|(((block.high>>(2u*l))&3u)<<8u)];\nreturn signed_bytes_of(with_signs(entry[quad&1u],block.signs>>(4u*quad)));\n}"
}

export const blockIq2Xs: TypedShader<'weights' | 'grid', never, never> = {
  "name": "block_iq2_xs",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<u32>;\n@group(0)@binding(3)var<storage,read>grid:array<vec2u>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nindexes:vec4u,\nsigns:vec4u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet supers=K_BLOCKS/8u;\nlet first=row*(supers*18u+(supers+1u)/2u);\nlet super_block=block/8u;\nlet at=first+super_block*18u;\nlet j=block&7u;\nlet d=half_of(weights[first+supers*18u+super_block/2u],super_block);\nlet scale=vec2f((vec2u(weights[at+16u+j/4u]>>(8u*(j&3u)))>>vec2u(0u,4u))&vec2u(15u));\nlet two=vec2u(weights[at+2u*j],weights[at+2u*j+1u]);\nlet four=vec4u(two.x,two.x>>16u,two.y,two.y>>16u);\nreturn Block(d*(0.25*scale+0.125),vec2f(),four&vec4u(511u),even_signs(four>>vec4u(9u)));\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet entry=grid[block.indexes[quad/2u]];\nreturn signed_bytes_of(with_signs(entry[quad&1u],block.signs[quad/2u]>>(4u*(quad&1u))));\n}"
}

export const blockIq2Xxs: TypedShader<'weights' | 'grid', never, never> = {
  "name": "block_iq2_xxs",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<u32>;\n@group(0)@binding(3)var<storage,read>grid:array<vec2u>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nindexes:u32,\nsigns:vec4u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet supers=K_BLOCKS/8u;\nlet first=row*(K_BLOCKS*2u+(supers+1u)/2u);\nlet at=first+block*2u;\nlet word=weights[at+1u];\nlet d=half_of(weights[first+K_BLOCKS*2u+block/16u],block/8u);\nlet signs=even_signs(vec4u(word)>>vec4u(0u,7u,14u,21u));\nreturn Block(vec2f(d*(0.25*f32(word>>28u)+0.125)),vec2f(),weights[at],signs);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet entry=grid[(block.indexes>>(8u*(quad/2u)))&255u];\nreturn signed_bytes_of(with_signs(entry[quad&1u],block.signs[quad/2u]>>(4u*(quad&1u))));\n}"
}

export const blockIq3S: TypedShader<'weights' | 'grid', never, never> = {
  "name": "block_iq3_s",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<u32>;\n@group(0)@binding(3)var<storage,read>grid:array<u32>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nlow:vec2u,\nhigh:u32,\nsigns:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet supers=K_BLOCKS/8u;\nlet first=row*(supers*27u+(supers+1u)/2u);\nlet super_block=block/8u;\nlet at=first+super_block*27u;\nlet j=block&7u;\nlet d=half_of(weights[first+supers*27u+super_block/2u],super_block);\nlet scale=d*f32(2u*((weights[at+26u]>>(4u*j))&15u)+1u);\nlet low=vec2u(weights[at+2u*j],weights[at+2u*j+1u]);\nlet high=weights[at+16u+j/4u]>>(8u*(j&3u));\nreturn Block(vec2f(scale),vec2f(),low,high,weights[at+18u+j]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet low=(block.low[quad/4u]>>(8u*(quad&3u)))&255u;\nlet entry=grid[low|(((block.high>>quad)&1u)<<8u)];\nreturn signed_bytes_of(with_signs(entry,block.signs>>(4u*quad)));\n}"
}

export const blockIq3Xxs: TypedShader<'weights' | 'grid', never, never> = {
  "name": "block_iq3_xxs",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<u32>;\n@group(0)@binding(3)var<storage,read>grid:array<u32>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nindexes:vec2u,\nsigns:vec4u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet supers=K_BLOCKS/8u;\nlet first=row*(supers*24u+(supers+1u)/2u);\nlet super_block=block/8u;\nlet at=first+super_block*24u;\nlet j=block&7u;\nlet word=weights[at+16u+j];\nlet d=half_of(weights[first+supers*24u+super_block/2u],super_block);\nlet indexes=vec2u(weights[at+2u*j],weights[at+2u*j+1u]);\nlet signs=even_signs(vec4u(word)>>vec4u(0u,7u,14u,21u));\nreturn Block(vec2f(d*(0.5*f32(word>>28u)+0.25)),vec2f(),indexes,signs);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nlet entry=grid[(block.indexes[quad/4u]>>(8u*(quad&3u)))&255u];\nreturn signed_bytes_of(with_signs(entry,block.signs[quad/2u]>>(4u*(quad&1u))));\n}"
}

export const blockIq4Nl: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_iq4_nl",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=row*K_BLOCKS+block;\nreturn Block(vec2f(half_of(scales[at/2u],at)),vec2f(),weights[at]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn iq4_of(block.quants[quad/2u],quad);\n}"
}

export const blockIq4Xs: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_iq4_xs",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<vec2u>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet words=scales[row*(K_BLOCKS/8u)+block/8u];\nlet j=block&7u;\nlet high=(words.x>>(16u+2u*j))&3u;\nlet low=(words.y>>(4u*j))&15u;\nlet scale=unpack2x16float(words.x).x*(f32(low|(high<<4u))-32.0);\nreturn Block(vec2f(scale),vec2f(),weights[row*K_BLOCKS+block]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn iq4_of(block.quants[quad/2u],quad);\n}"
}

export const blockMxfp4: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_mxfp4",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\n}\nfn power(e:u32)->f32{\nreturn bitcast<f32>(select((e-1u)<<23u,0x200000u<<e,e<2u));\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=row*K_BLOCKS+block;\nreturn Block(vec2f(power((scales[at/4u]>>(8u*(at&3u)))&255u)),vec2f(),weights[at]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn fp4_of(block.quants[quad/2u],quad);\n}"
}

export const blockNvfp4: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_nvfp4",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=false;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\n}\nfn small_float(byte:u32)->f32{\nlet size=byte&127u;\nlet float=bitcast<f32>((size<<20u)+0x3b800000u);\nreturn select(select(float,f32(size)*0.0009765625,size<8u),0.0,byte==127u);\n}\nfn load_block(row:u32,block:u32)->Block{\nlet two=scales[row*(K_BLOCKS/2u)+block/2u]>>(16u*(block&1u));\nlet scale=vec2f(small_float(two&255u),small_float((two>>8u)&255u));\nreturn Block(scale,vec2f(),weights[row*K_BLOCKS+block]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn fp4_of(block.quants[quad/2u],quad);\n}"
}

export const blockQ10: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_q1_0",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<u32>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet d=vec2f(half_of(scales[row*((K_BLOCKS/4u+1u)/2u)+block/8u],block/4u));\nreturn Block(2.0*d,d,weights[row*K_BLOCKS+block]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn bytes_of(bits(block.quants,quad));\n}"
}

export const blockQ2K: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_q2_k",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec2u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec2u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=(row*(K_BLOCKS/8u)+block/8u)*5u;\nlet j=block&7u;\nlet bytes=vec2u(scales[at+1u+j/2u]>>(16u*(j&1u)))>>vec2u(0u,8u);\nlet pair=unpack2x16float(scales[at]);\nlet scale=pair.x*vec2f(bytes&vec2u(15u));\nreturn Block(scale,pair.y*vec2f((bytes>>vec2u(4u))&vec2u(15u)),weights[row*K_BLOCKS+block]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn pair_quad(block.quants[quad/4u],quad);\n}"
}

export const blockQ3K: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_q3_k",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec2u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec2u,\nthird:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet supers=K_BLOCKS/8u;\nlet first=row*(supers*11u+(supers+1u)/2u);\nlet super_block=block/8u;\nlet at=first+super_block*11u;\nlet j=block&7u;\nlet d=half_of(scales[first+supers*11u+super_block/2u],super_block);\nlet scale=d*(six_bits(scales[at+8u+j/4u],scales[at+10u],j)-vec2f(32.0));\nreturn Block(scale,4.0*scale,weights[row*K_BLOCKS+block],scales[at+j]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn bytes_of(pairs(block.quants[quad/4u],quad)|(bits(block.third,quad)<<2u));\n}"
}

export const blockQ41: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_q4_1",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=row*K_BLOCKS+block;\nlet pair=unpack2x16float(scales[at]);\nreturn Block(vec2f(pair.x),vec2f(-pair.y),weights[at]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn nibble_quad(block.quants[quad/2u],quad);\n}"
}

export const blockQ4K: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_q4_k",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=(row*(K_BLOCKS/8u)+block/8u)*4u;\nlet j=block&7u;\nlet pair=unpack2x16float(scales[at])*six_bits(scales[at+1u+j/4u],scales[at+3u],j);\nreturn Block(vec2f(pair.x),vec2f(pair.y),weights[row*K_BLOCKS+block]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn nibble_quad(block.quants[quad/2u],quad);\n}"
}

export const blockQ50: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_q5_0",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\nfifth:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=row*(K_BLOCKS+(K_BLOCKS+1u)/2u);\nlet d=half_of(scales[at+K_BLOCKS+block/2u],block);\nreturn Block(vec2f(d),vec2f(16.0*d),weights[row*K_BLOCKS+block],scales[at+block]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn bytes_of(nibbles(block.quants[quad/2u],quad)|(bits(block.fifth,quad)<<4u));\n}"
}

export const blockQ51: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_q5_1",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<vec2u>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\nfifth:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=row*K_BLOCKS+block;\nlet words=scales[at];\nlet pair=unpack2x16float(words.x);\nreturn Block(vec2f(pair.x),vec2f(-pair.y),weights[at],words.y);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn bytes_of(nibbles(block.quants[quad/2u],quad)|(bits(block.fifth,quad)<<4u));\n}"
}

export const blockQ5K: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_q5_k",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\nfifth:u32,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet at=(row*(K_BLOCKS/8u)+block/8u)*12u;\nlet j=block&7u;\nlet pair=unpack2x16float(scales[at])*six_bits(scales[at+1u+j/4u],scales[at+3u],j);\nreturn Block(vec2f(pair.x),vec2f(pair.y),weights[row*K_BLOCKS+block],scales[at+4u+j]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn bytes_of(nibbles(block.quants[quad/2u],quad)|(bits(block.fifth,quad)<<4u));\n}"
}

export const blockQ6K: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_q6_k",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec4u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec4u,\nhigh:vec2u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet supers=K_BLOCKS/8u;\nlet first=row*(supers*20u+(supers+1u)/2u);\nlet super_block=block/8u;\nlet at=first+super_block*20u;\nlet j=block&7u;\nlet two=scales[at+16u+j/2u]>>(16u*(j&1u));\nlet d=half_of(scales[first+supers*20u+super_block/2u],super_block);\nlet scale=d*vec2f(bitcast<vec2i>(vec2u(two)<<vec2u(24u,16u))>>vec2u(24u));\nlet high=vec2u(scales[at+2u*j],scales[at+2u*j+1u]);\nreturn Block(scale,32.0*scale,weights[row*K_BLOCKS+block],high);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn bytes_of(nibbles(block.quants[quad/2u],quad)|(pairs(block.high[quad/4u],quad)<<4u));\n}"
}

export const blockTq10: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_tq1_0",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<u32>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nwords:vec3u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet super_block=block/8u;\nlet j=block&7u;\nlet d=vec2f(half_of(scales[row*((K_BLOCKS/8u+1u)/2u)+super_block/2u],super_block));\nlet at=(row*(K_BLOCKS/8u)+super_block)*13u;\nlet ten=weights[at+8u+j/2u]>>(16u*(j&1u));\nlet last=(((weights[at+12u]>>(8u*(j/2u)))&255u)*select(1u,9u,(j&1u)==1u))&255u;\nreturn Block(d,d,vec3u(weights[at+j],ten,last));\n}\nfn digits(fractions:vec4f,times:vec4f)->vec4f{\nreturn floor(fractions*times*3.0)-3.0*floor(fractions*times);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nif(quad<5u){\nlet times=select(1.0,3.0,(quad&1u)>0u)*select(1.0,9.0,(quad&2u)>0u)*select(1.0,81.0,quad==4u);\nreturn digits(bytes_of(block.words.x)/256.0,vec4f(times));\n}\nlet bytes=bytes_of((block.words.y&0xffffu)|(block.words.z<<16u))/256.0;\nif(quad==7u){return digits(bytes.xyzz,vec4f(81.0,81.0,1.0,3.0));}\nreturn digits(vec4f(select(bytes.x,bytes.y,quad==6u)),vec4f(1.0,3.0,9.0,27.0));\n}"
}

export const blockTq20: TypedShader<'weights' | 'scales', never, never> = {
  "name": "block_tq2_0",
  "provides": "block",
  "needs": [
    "unpack"
  ],
  "code": "@group(0)@binding(2)var<storage,read>weights:array<vec2u>;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nconst HAS_MINIMUM=true;\nstruct Block{\nscale:vec2f,\nminimum:vec2f,\nquants:vec2u,\n}\nfn load_block(row:u32,block:u32)->Block{\nlet super_block=block/8u;\nlet d=vec2f(half_of(scales[row*((K_BLOCKS/8u+1u)/2u)+super_block/2u],super_block));\nreturn Block(d,d,weights[row*K_BLOCKS+block]);\n}\nfn block_quad(block:Block,quad:u32)->vec4f{\nreturn pair_quad(block.quants[quad/4u],quad);\n}"
}

export const groups: TypedShader<'scales', 'GROUP_BLOCKS' | 'ROW_HALVES' | 'SCALE_TYPE' | 'ZEROS_AT' | 'ZERO_BITS' | 'ZERO', 'TABLES_AT' | 'TABLES'> = {
  "name": "groups",
  "provides": "groups",
  "code": "override GROUP_BLOCKS:u32;\noverride ROW_HALVES:u32;\noverride SCALE_TYPE:u32;\noverride ZEROS_AT:u32;\noverride ZERO_BITS:u32;\noverride ZERO:f32;\noverride TABLES_AT:u32=0u;\noverride TABLES:u32=0u;\n@group(0)@binding(3)var<storage,read>scales:array<u32>;\nfn unit_at(at:u32)->u32{\nreturn(scales[at/2u]>>(16u*(at&1u)))&0xffffu;\n}\nfn group_scale(row:u32,group:u32)->f32{\nif(SCALE_TYPE==2u){return bitcast<f32>(scales[row*(ROW_HALVES/2u)+group]);}\nlet bits=unit_at(row*ROW_HALVES+group);\nif(SCALE_TYPE==1u){return bitcast<f32>(bits<<16u);}\nreturn unpack2x16float(bits).x;\n}\nfn group_zero(row:u32,group:u32)->f32{\nif(ZERO_BITS==0u){return ZERO;}\nlet at=ZEROS_AT+group*ZERO_BITS;\nreturn ZERO+f32((unit_at(row*ROW_HALVES+at/16u)>>(at&15u))&((1u<<ZERO_BITS)-1u));\n}\nfn by_column(row:u32,quad:u32,quants:vec4f)->vec4f{\nlet at=(TABLES_AT+(row%max(TABLES,1u))*K_BLOCKS*32u)/2u+quad*2u;\nlet a=scales[at];\nlet b=scales[at+1u];\nlet g=vec4u(a&0xffffu,a>>16u,b&0xffffu,b>>16u);\nlet zeros=vec4f(group_zero(row,g.x),group_zero(row,g.y),group_zero(row,g.z),group_zero(row,g.w));\nreturn vec4f(group_scale(row,g.x),group_scale(row,g.y),group_scale(row,g.z),group_scale(row,g.w))*(quants-zeros);\n}"
}

export const unpack: TypedShader<never, never, never> = {
  "name": "unpack",
  "provides": "unpack",
  "code": "fn half_of(word:u32,index:u32)->f32{\nreturn unpack2x16float(word>>(16u*(index&1u))).x;\n}\nfn bytes_of(word:u32)->vec4f{\nreturn vec4f(bitcast<vec4i>((vec4u(word)>>vec4u(0u,8u,16u,24u))&vec4u(255u)));\n}\nfn signed_bytes_of(word:u32)->vec4f{\nreturn vec4f(bitcast<vec4i>(vec4u(word)<<vec4u(24u,16u,8u,0u))>>vec4u(24u));\n}\nfn nibbles(word:u32,quad:u32)->u32{\nreturn(word>>(4u*(quad&1u)))&0x0f0f0f0fu;\n}\nfn pairs(word:u32,quad:u32)->u32{\nreturn(word>>(2u*(quad&3u)))&0x03030303u;\n}\nfn bits(word:u32,quad:u32)->u32{\nreturn(word>>quad)&0x01010101u;\n}\nfn nibble_quad(word:u32,quad:u32)->vec4f{\nreturn vec4f((vec4u(word)>>(vec4u(0u,8u,16u,24u)+4u*(quad&1u)))&vec4u(15u));\n}\nfn pair_quad(word:u32,quad:u32)->vec4f{\nreturn vec4f((vec4u(word)>>(vec4u(0u,8u,16u,24u)+2u*(quad&3u)))&vec4u(3u));\n}\nfn spread(four:u32)->u32{\nreturn((four&15u)*0x00204081u)&0x01010101u;\n}\nfn with_signs(bytes:u32,signs:u32)->u32{\nlet ones=spread(signs);\nreturn(bytes^((ones<<8u)-ones))+ones;\n}\nfn even_signs(seven:vec4u)->vec4u{\nlet signs=seven&vec4u(127u);\nreturn signs|((vec4u(0x34cb00u)>>((signs^(signs>>vec4u(4u)))&vec4u(15u)))&vec4u(128u));\n}\nfn six_bits(low:u32,high:u32,j:u32)->vec2f{\nlet nibbles=vec2u(low>>(8u*(j&3u)))>>vec2u(0u,4u);\nlet upper=(high>>(4u*j))<<4u;\nreturn vec2f(bitcast<vec2i>((nibbles&vec2u(15u))|vec2u(upper&48u,(upper>>2u)&48u)));\n}\nfn fp4_of(word:u32,quad:u32)->vec4f{\nlet indexes=vec4u(word)>>(vec4u(0u,8u,16u,24u)+4u*(quad&1u));\nlet size=vec4f(bitcast<vec4i>((vec4u(0xc8643210u)>>((indexes<<vec4u(2u))&vec4u(28u)))&vec4u(15u)));\nreturn bitcast<vec4f>(bitcast<vec4u>(size)^((indexes<<vec4u(28u))&vec4u(0x80000000u)));\n}\nfn iq4_of(word:u32,quad:u32)->vec4f{\nlet indexes=vec4u(word)>>(vec4u(0u,8u,16u,24u)+4u*(quad&1u));\nlet third=(indexes&vec4u(4u))!=vec4u();\nlet low=select(vec4u(0x8198adbfu),vec4u(0xcfddeaf6u),third);\nlet high=select(vec4u(0x010d1926u),vec4u(0x35455971u),third);\nlet four=select(low,high,(indexes&vec4u(8u))!=vec4u());\nreturn vec4f(bitcast<vec4i>(four<<((indexes<<vec4u(3u))&vec4u(24u)))>>vec4u(24u));\n}"
}

export const weightsBlocks: TypedShader<never, 'K_BLOCKS', never> = {
  "name": "weights_blocks",
  "provides": "weights",
  "needs": [
    "block"
  ],
  "code": "override K_BLOCKS:u32;\nconst QUADS_PER_READ=8u;\nfn read_quads(row:u32,quad:u32)->Block{\nreturn load_block(row,quad/8u);\n}\nfn quad_of(block:Block,i:u32)->vec4f{\nreturn block.scale[i/4u]*block_quad(block,i)-block.minimum[i/4u];\n}\nfn weight_quad(row:u32,quad:u32)->vec4f{\nreturn quad_of(load_block(row,quad/8u),quad&7u);\n}\nconst QUADS_PER_STEP=8u;\nstruct Inputs{\nx0:vec4f,\nx1:vec4f,\nx2:vec4f,\nx3:vec4f,\nx4:vec4f,\nx5:vec4f,\nx6:vec4f,\nx7:vec4f,\nsums:vec2f,\n}\nfn load_inputs(at:u32)->Inputs{\nvar inputs=Inputs(\nx[at],x[at+1u],x[at+2u],x[at+3u],x[at+4u],x[at+5u],x[at+6u],x[at+7u],vec2f(),\n);\nif(HAS_MINIMUM){\nlet one=vec4f(1.0);\ninputs.sums=vec2f(\ndot(inputs.x0+inputs.x1+inputs.x2+inputs.x3,one),\ndot(inputs.x4+inputs.x5+inputs.x6+inputs.x7,one),\n);\n}\nreturn inputs;\n}\nfn step_dot(row:u32,step:u32,inputs:Inputs)->f32{\nlet block=load_block(row,step);\nlet sums=vec2f(\ndot(block_quad(block,0u),inputs.x0)+dot(block_quad(block,1u),inputs.x1)\n+dot(block_quad(block,2u),inputs.x2)+dot(block_quad(block,3u),inputs.x3),\ndot(block_quad(block,4u),inputs.x4)+dot(block_quad(block,5u),inputs.x5)\n+dot(block_quad(block,6u),inputs.x6)+dot(block_quad(block,7u),inputs.x7),\n);\nlet product=dot(block.scale,sums);\nif(HAS_MINIMUM){return product-dot(block.minimum,inputs.sums);}\nreturn product;\n}"
}

export const weightsColumns: TypedShader<never, 'K_BLOCKS', never> = {
  "name": "weights_columns",
  "provides": "weights",
  "needs": [
    "block"
  ],
  "code": "override K_BLOCKS:u32;\nfn weight_quad(row:u32,quad:u32)->vec4f{\nlet block=load_block(row,quad/8u);\nreturn block.scale.x*block_quad(block,quad&7u);\n}\nconst QUADS_PER_READ=1u;\nfn read_quads(row:u32,quad:u32)->vec4f{\nreturn weight_quad(row,quad);\n}\nfn quad_of(quads:vec4f,i:u32)->vec4f{\nreturn quads;\n}\nconst QUADS_PER_STEP=1u;\nalias Inputs=vec4f;\nfn load_inputs(at:u32)->Inputs{\nreturn x[at];\n}\nfn step_dot(row:u32,step:u32,inputs:Inputs)->f32{\nreturn dot(weight_quad(row,step),inputs);\n}"
}
