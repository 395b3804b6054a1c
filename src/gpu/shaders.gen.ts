// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.

export const attentionMerge = {
  "name": "attention_merge",
  "needs": [],
  "enables": [],
  "bindings": {
    "rows": {
      "binding": 0,
      "access": "read"
    },
    "parts": {
      "binding": 1,
      "access": "read"
    },
    "stats": {
      "binding": 2,
      "access": "read"
    },
    "y": {
      "binding": 3,
      "access": "read_write"
    }
  },
  "constants": {
    "HEAD_DIM": "required",
    "HEAD_STRIDE": "required",
    "N_HEADS": "required",
    "Y_STRIDE": "required",
    "QUADS": "optional"
  },
  "code": "override HEAD_DIM: u32;\noverride HEAD_STRIDE: u32;\noverride N_HEADS: u32;\noverride Y_STRIDE: u32;\noverride QUADS: u32 = HEAD_STRIDE / 4u;\n@group(0) @binding(0) var<storage, read> rows: array<vec4u>;\n@group(0) @binding(1) var<storage, read> parts: array<vec4f>;\n@group(0) @binding(2) var<storage, read> stats: array<vec2f>;\n@group(0) @binding(3) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(64)\nfn main(@builtin(global_invocation_id) id: vec3u) {\nif (id.x >= N_HEADS * QUADS) { return; }\nlet row = id.y;\nlet head = id.x / QUADS;\nlet quad = id.x % QUADS;\nlet count = rows[row].w;\nlet first = (row * N_HEADS + head) * count;\nvar maximum = -1e30;\nfor (var i = first; i < first + count; i++) { maximum = max(maximum, stats[i].x); }\nvar sum = vec4f();\nvar total = 0.0;\nfor (var i = first; i < first + count; i++) {\nlet weight = exp(stats[i].x - maximum);\nsum += parts[i * QUADS + quad] * weight;\ntotal += stats[i].y * weight;\n}\nsum /= total;\nfor (var i = 0u; i < 4u; i++) {\nif (quad * 4u + i < HEAD_DIM) { y[row * Y_STRIDE + head * HEAD_DIM + quad * 4u + i] = sum[i]; }\n}\n}"
} as const

export const attentionPrefill = {
  "name": "attention_prefill",
  "needs": [
    "cache_read"
  ],
  "enables": [],
  "bindings": {
    "q": {
      "binding": 0,
      "access": "read"
    },
    "tiles": {
      "binding": 1,
      "access": "read"
    },
    "y": {
      "binding": 4,
      "access": "read_write"
    }
  },
  "constants": {
    "HEAD_DIM": "required",
    "HEAD_STRIDE": "required",
    "N_HEADS": "required",
    "N_KV_HEADS": "required",
    "RING": "required",
    "WINDOW": "required",
    "Y_STRIDE": "required",
    "WORKGROUP": "optional",
    "QUADS": "optional",
    "GROUP_HEADS": "optional",
    "HEAD_TILES": "optional",
    "LANES": "optional"
  },
  "code": "override HEAD_DIM: u32;\noverride HEAD_STRIDE: u32;\noverride N_HEADS: u32;\noverride N_KV_HEADS: u32;\noverride RING: u32;\noverride WINDOW: u32;\noverride Y_STRIDE: u32;\noverride WORKGROUP: u32 = 64u;\nconst MASKED = -1e30;\noverride QUADS: u32 = HEAD_STRIDE / 4u;\noverride GROUP_HEADS: u32 = N_HEADS / N_KV_HEADS;\noverride HEAD_TILES: u32 = (GROUP_HEADS + 3u) / 4u;\noverride LANES: u32 = WORKGROUP / QUADS;\n@group(0) @binding(0) var<storage, read> q: array<vec4f>;\n@group(0) @binding(1) var<storage, read> tiles: array<vec4u>;\n@group(0) @binding(4) var<storage, read_write> y: array<f32>;\nvar<workgroup> q_tile: array<vec4f, QUADS * 16u>;\nvar<workgroup> scores: array<vec4f, WORKGROUP * 4u>;\nvar<workgroup> weights: array<vec4f, WORKGROUP * 4u>;\nfn query(row: u32, quad: u32) -> mat4x4f {\nlet at = (row * QUADS + quad) * 4u;\nreturn mat4x4f(q_tile[at], q_tile[at + 1u], q_tile[at + 2u], q_tile[at + 3u]);\n}\nfn load_queries(tile: vec4u, first_head: u32, last_head: u32, thread: u32) {\nfor (var i = thread; i < QUADS * 16u; i += WORKGROUP) {\nlet row = tile.x + min(i / (QUADS * 4u), tile.y - 1u);\nlet head = min(first_head + i % 4u, last_head);\nq_tile[i] = q[(row * N_HEADS + head) * QUADS + (i / 4u) % QUADS];\n}\n}\nfn mask(score: vec4f, position: u32, key: u32) -> vec4f {\nreturn select(vec4f(MASKED), score * inverseSqrt(f32(HEAD_DIM)), key <= position && position - key < WINDOW);\n}\nfn tile_maximum(row: u32, size: u32, start: vec4f) -> vec4f {\nvar result = start;\nfor (var i = 0u; i < size; i++) { result = max(result, scores[row * WORKGROUP + i]); }\nreturn result;\n}\nfn weight(score: vec4f, maximum: vec4f) -> vec4f {\nreturn select(exp(score - maximum), vec4f(), score <= vec4f(MASKED));\n}\nfn scale_heads(heads: mat4x4f, by: vec4f) -> mat4x4f {\nreturn mat4x4f(heads[0] * by.x, heads[1] * by.y, heads[2] * by.z, heads[3] * by.w);\n}\nfn outer(value: vec4f, by: vec4f) -> mat4x4f {\nreturn mat4x4f(value * by.x, value * by.y, value * by.z, value * by.w);\n}\nfn store(row: u32, first_head: u32, last_head: u32, thread: u32, total: vec4f, output: mat4x4f) {\nworkgroupBarrier();\nfor (var head = 0u; head < 4u; head++) { scores[head * WORKGROUP + thread] = output[head]; }\nweights[thread] = total;\nworkgroupBarrier();\nfor (var i = thread; i < QUADS * 4u; i += WORKGROUP) {\nlet head = i / QUADS;\nif (first_head + head > last_head) { continue; }\nvar sum = vec4f();\nvar divisor = 0.0;\nfor (var other = 0u; other < LANES; other++) {\nsum += scores[head * WORKGROUP + other * QUADS + i % QUADS];\ndivisor += weights[other * QUADS][head];\n}\nsum /= divisor;\nlet first = (i % QUADS) * 4u;\nfor (var j = 0u; j < 4u; j++) {\nif (first + j < HEAD_DIM) { y[row * Y_STRIDE + (first_head + head) * HEAD_DIM + first + j] = sum[j]; }\n}\n}\n}\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {\nlet rows = tiles[group.x];\nlet kv_head = group.y / HEAD_TILES;\nlet first_head = kv_head * GROUP_HEADS + (group.y % HEAD_TILES) * 4u;\nlet last_head = (kv_head + 1u) * GROUP_HEADS - 1u;\nlet position = rows.w;\nlet cache = (rows.z * N_KV_HEADS + kv_head) * RING;\nlet first_key = position + 1u - min(position + 1u, WINDOW);\nlet last_key = position + rows.y;\nload_queries(rows, first_head, last_head, thread);\nlet quad = thread % QUADS;\nlet lane = thread / QUADS;\nvar max0 = vec4f(MASKED);\nvar max1 = vec4f(MASKED);\nvar max2 = vec4f(MASKED);\nvar max3 = vec4f(MASKED);\nvar total0 = vec4f();\nvar total1 = vec4f();\nvar total2 = vec4f();\nvar total3 = vec4f();\nvar output0 = mat4x4f();\nvar output1 = mat4x4f();\nvar output2 = mat4x4f();\nvar output3 = mat4x4f();\nworkgroupBarrier();\nfor (var tile = first_key; tile < last_key; tile += WORKGROUP) {\nlet size = min(WORKGROUP, last_key - tile);\nlet key = tile + thread;\nvar score0 = vec4f();\nvar score1 = vec4f();\nvar score2 = vec4f();\nvar score3 = vec4f();\nif (thread < size) {\nlet at = (cache + key % RING) * QUADS;\nfor (var i = 0u; i < QUADS; i++) {\nlet k = cache_key(at + i);\nscore0 += k * query(0u, i);\nscore1 += k * query(1u, i);\nscore2 += k * query(2u, i);\nscore3 += k * query(3u, i);\n}\n}\nscore0 = mask(score0, position, key);\nscore1 = mask(score1, position + 1u, key);\nscore2 = mask(score2, position + 2u, key);\nscore3 = mask(score3, position + 3u, key);\nscores[thread] = score0;\nscores[WORKGROUP + thread] = score1;\nscores[2u * WORKGROUP + thread] = score2;\nscores[3u * WORKGROUP + thread] = score3;\nworkgroupBarrier();\nlet new0 = tile_maximum(0u, size, max0);\nlet new1 = tile_maximum(1u, size, max1);\nlet new2 = tile_maximum(2u, size, max2);\nlet new3 = tile_maximum(3u, size, max3);\nweights[thread] = weight(score0, new0);\nweights[WORKGROUP + thread] = weight(score1, new1);\nweights[2u * WORKGROUP + thread] = weight(score2, new2);\nweights[3u * WORKGROUP + thread] = weight(score3, new3);\nworkgroupBarrier();\noutput0 = scale_heads(output0, exp(max0 - new0));\noutput1 = scale_heads(output1, exp(max1 - new1));\noutput2 = scale_heads(output2, exp(max2 - new2));\noutput3 = scale_heads(output3, exp(max3 - new3));\ntotal0 *= exp(max0 - new0);\ntotal1 *= exp(max1 - new1);\ntotal2 *= exp(max2 - new2);\ntotal3 *= exp(max3 - new3);\nmax0 = new0;\nmax1 = new1;\nmax2 = new2;\nmax3 = new3;\nif (lane < LANES) {\nfor (var i = lane; i < size; i += LANES) {\nlet v = cache_value((cache + (tile + i) % RING) * QUADS + quad);\nlet p0 = weights[i];\nlet p1 = weights[WORKGROUP + i];\nlet p2 = weights[2u * WORKGROUP + i];\nlet p3 = weights[3u * WORKGROUP + i];\noutput0 += outer(v, p0);\noutput1 += outer(v, p1);\noutput2 += outer(v, p2);\noutput3 += outer(v, p3);\ntotal0 += p0;\ntotal1 += p1;\ntotal2 += p2;\ntotal3 += p3;\n}\n}\n}\nstore(rows.x, first_head, last_head, thread, total0, output0);\nif (rows.y > 1u) { store(rows.x + 1u, first_head, last_head, thread, total1, output1); }\nif (rows.y > 2u) { store(rows.x + 2u, first_head, last_head, thread, total2, output2); }\nif (rows.y > 3u) { store(rows.x + 3u, first_head, last_head, thread, total3, output3); }\n}"
} as const

export const attentionSplit = {
  "name": "attention_split",
  "needs": [
    "cache_read"
  ],
  "enables": [],
  "bindings": {
    "q": {
      "binding": 0,
      "access": "read"
    },
    "rows": {
      "binding": 1,
      "access": "read"
    },
    "parts": {
      "binding": 4,
      "access": "read_write"
    },
    "stats": {
      "binding": 5,
      "access": "read_write"
    }
  },
  "constants": {
    "HEAD_DIM": "required",
    "HEAD_STRIDE": "required",
    "N_HEADS": "required",
    "N_KV_HEADS": "required",
    "RING": "required",
    "WINDOW": "required",
    "WORKGROUP": "optional",
    "QUADS": "optional",
    "GROUP_HEADS": "optional",
    "HEAD_TILES": "optional",
    "LANES": "optional"
  },
  "code": "override HEAD_DIM: u32;\noverride HEAD_STRIDE: u32;\noverride N_HEADS: u32;\noverride N_KV_HEADS: u32;\noverride RING: u32;\noverride WINDOW: u32;\noverride WORKGROUP: u32 = 64u;\nconst MASKED = -1e30;\noverride QUADS: u32 = HEAD_STRIDE / 4u;\noverride GROUP_HEADS: u32 = N_HEADS / N_KV_HEADS;\noverride HEAD_TILES: u32 = (GROUP_HEADS + 3u) / 4u;\noverride LANES: u32 = WORKGROUP / QUADS;\n@group(0) @binding(0) var<storage, read> q: array<vec4f>;\n@group(0) @binding(1) var<storage, read> rows: array<vec4u>;\n@group(0) @binding(4) var<storage, read_write> parts: array<vec4f>;\n@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;\nvar<workgroup> q_tile: array<vec4f, QUADS * 4u>;\nvar<workgroup> scores: array<vec4f, WORKGROUP>;\nvar<workgroup> weights: array<vec4f, WORKGROUP>;\nvar<workgroup> sums: array<vec4f, WORKGROUP * 4u>;\nfn load_queries(row: u32, first_head: u32, last_head: u32, thread: u32) {\nfor (var i = thread; i < QUADS * 4u; i += WORKGROUP) {\nlet head = min(first_head + i % 4u, last_head);\nq_tile[i] = q[(row * N_HEADS + head) * QUADS + i / 4u];\n}\n}\n@compute @workgroup_size(WORKGROUP)\nfn main(\n@builtin(workgroup_id) group: vec3u,\n@builtin(num_workgroups) groups: vec3u,\n@builtin(local_invocation_index) thread: u32,\n) {\nlet row = group.z;\nlet kv_head = group.y / HEAD_TILES;\nlet first_head = kv_head * GROUP_HEADS + (group.y % HEAD_TILES) * 4u;\nlet last_head = (kv_head + 1u) * GROUP_HEADS - 1u;\nlet position = rows[row].y;\nlet cache = (rows[row].x * N_KV_HEADS + kv_head) * RING;\nlet visible = min(position + 1u, WINDOW);\nlet part = (visible + groups.x - 1u) / groups.x;\nlet end = position + 1u;\nlet first_key = min(end - visible + group.x * part, end);\nlet last_key = min(first_key + part, end);\nload_queries(row, first_head, last_head, thread);\nlet quad = thread % QUADS;\nlet lane = thread / QUADS;\nvar maximum = vec4f(MASKED);\nvar total = vec4f();\nvar output = mat4x4f();\nworkgroupBarrier();\nfor (var tile = first_key; tile < last_key; tile += WORKGROUP) {\nlet size = min(WORKGROUP, last_key - tile);\nvar score = vec4f(MASKED);\nif (thread < size) {\nscore = vec4f();\nlet at = (cache + (tile + thread) % RING) * QUADS;\nfor (var i = 0u; i < QUADS; i++) {\nscore += cache_key(at + i) * mat4x4f(q_tile[4u * i], q_tile[4u * i + 1u], q_tile[4u * i + 2u], q_tile[4u * i + 3u]);\n}\nscore *= inverseSqrt(f32(HEAD_DIM));\n}\nscores[thread] = score;\nworkgroupBarrier();\nvar new_maximum = maximum;\nfor (var i = 0u; i < size; i++) { new_maximum = max(new_maximum, scores[i]); }\nlet rescale = exp(maximum - new_maximum);\nmaximum = new_maximum;\nweights[thread] = exp(score - maximum);\nworkgroupBarrier();\noutput = mat4x4f(output[0] * rescale.x, output[1] * rescale.y, output[2] * rescale.z, output[3] * rescale.w);\ntotal *= rescale;\nif (lane < LANES) {\nfor (var i = lane; i < size; i += LANES) {\nlet v = cache_value((cache + (tile + i) % RING) * QUADS + quad);\nlet p = weights[i];\noutput += mat4x4f(v * p.x, v * p.y, v * p.z, v * p.w);\ntotal += p;\n}\n}\n}\nfor (var head = 0u; head < 4u; head++) { sums[head * WORKGROUP + thread] = output[head]; }\nscores[thread] = total;\nworkgroupBarrier();\nfor (var i = thread; i < QUADS * 4u; i += WORKGROUP) {\nlet head = i / QUADS;\nif (first_head + head <= last_head) {\nvar sum = vec4f();\nfor (var other = 0u; other < LANES; other++) { sum += sums[head * WORKGROUP + other * QUADS + i % QUADS]; }\nparts[((row * N_HEADS + first_head + head) * groups.x + group.x) * QUADS + i % QUADS] = sum;\n}\n}\nif (thread < 4u && first_head + thread <= last_head) {\nvar sum = 0.0;\nfor (var other = 0u; other < LANES; other++) { sum += scores[other * QUADS][thread]; }\nstats[(row * N_HEADS + first_head + thread) * groups.x + group.x] = vec2f(maximum[thread], sum);\n}\n}"
} as const

export const cacheReadF16 = {
  "name": "cache_read_f16",
  "provides": "cache_read",
  "needs": [],
  "enables": [],
  "bindings": {
    "keys": {
      "binding": 2,
      "access": "read"
    },
    "values": {
      "binding": 3,
      "access": "read"
    }
  },
  "constants": {},
  "code": "@group(0) @binding(2) var<storage, read> keys: array<vec2u>;\n@group(0) @binding(3) var<storage, read> values: array<vec2u>;\nfn unpack_cached(bits: vec2u) -> vec4f {\nreturn vec4f(unpack2x16float(bits.x), unpack2x16float(bits.y));\n}\nfn cache_key(at: u32) -> vec4f {\nreturn unpack_cached(keys[at]);\n}\nfn cache_value(at: u32) -> vec4f {\nreturn unpack_cached(values[at]);\n}"
} as const

export const cacheReadF16Native = {
  "name": "cache_read_f16_native",
  "provides": "cache_read",
  "needs": [],
  "enables": [
    "f16"
  ],
  "bindings": {
    "keys": {
      "binding": 2,
      "access": "read"
    },
    "values": {
      "binding": 3,
      "access": "read"
    }
  },
  "constants": {},
  "code": "@group(0) @binding(2) var<storage, read> keys: array<vec4<f16>>;\n@group(0) @binding(3) var<storage, read> values: array<vec4<f16>>;\nfn cache_key(at: u32) -> vec4f {\nreturn vec4f(keys[at]);\n}\nfn cache_value(at: u32) -> vec4f {\nreturn vec4f(values[at]);\n}"
} as const

export const cacheReadF32 = {
  "name": "cache_read_f32",
  "provides": "cache_read",
  "needs": [],
  "enables": [],
  "bindings": {
    "keys": {
      "binding": 2,
      "access": "read"
    },
    "values": {
      "binding": 3,
      "access": "read"
    }
  },
  "constants": {},
  "code": "@group(0) @binding(2) var<storage, read> keys: array<vec4f>;\n@group(0) @binding(3) var<storage, read> values: array<vec4f>;\nfn cache_key(at: u32) -> vec4f {\nreturn keys[at];\n}\nfn cache_value(at: u32) -> vec4f {\nreturn values[at];\n}"
} as const

export const cacheWriteF16 = {
  "name": "cache_write_f16",
  "provides": "cache_write",
  "needs": [],
  "enables": [],
  "bindings": {
    "keys": {
      "binding": 7,
      "access": "read_write"
    },
    "values": {
      "binding": 8,
      "access": "read_write"
    }
  },
  "constants": {},
  "code": "@group(0) @binding(7) var<storage, read_write> keys: array<u32>;\n@group(0) @binding(8) var<storage, read_write> values: array<u32>;\nfn pack_pair(pair: vec2f) -> u32 {\nreturn pack2x16float(clamp(pair, vec2f(-65504.0), vec2f(65504.0)));\n}\nfn cache_write_key(at: u32, pair: vec2f) {\nkeys[at] = pack_pair(pair);\n}\nfn cache_write_value(at: u32, pair: vec2f) {\nvalues[at] = pack_pair(pair);\n}"
} as const

export const cacheWriteF32 = {
  "name": "cache_write_f32",
  "provides": "cache_write",
  "needs": [],
  "enables": [],
  "bindings": {
    "keys": {
      "binding": 7,
      "access": "read_write"
    },
    "values": {
      "binding": 8,
      "access": "read_write"
    }
  },
  "constants": {},
  "code": "@group(0) @binding(7) var<storage, read_write> keys: array<vec2f>;\n@group(0) @binding(8) var<storage, read_write> values: array<vec2f>;\nfn cache_write_key(at: u32, pair: vec2f) {\nkeys[at] = pair;\n}\nfn cache_write_value(at: u32, pair: vec2f) {\nvalues[at] = pair;\n}"
} as const

export const embedding = {
  "name": "embedding",
  "needs": [
    "weights"
  ],
  "enables": [],
  "bindings": {
    "tokens": {
      "binding": 0,
      "access": "read"
    },
    "x": {
      "binding": 1,
      "access": "read_write"
    }
  },
  "constants": {
    "X_QUADS": "required"
  },
  "code": "override X_QUADS: u32;\n@group(0) @binding(0) var<storage, read> tokens: array<u32>;\n@group(0) @binding(1) var<storage, read_write> x: array<vec4f>;\n@compute @workgroup_size(64)\nfn main(@builtin(global_invocation_id) id: vec3u) {\nif (id.x < X_QUADS) { x[id.y * X_QUADS + id.x] = weight_quad(tokens[id.y], id.x); }\n}"
} as const

export const emitAdd = {
  "name": "emit_add",
  "provides": "emit",
  "needs": [],
  "enables": [],
  "bindings": {
    "y": {
      "binding": 4,
      "access": "read_write"
    }
  },
  "constants": {
    "Y_STRIDE": "required"
  },
  "code": "override Y_STRIDE: u32;\n@group(0) @binding(4) var<storage, read_write> y: array<f32>;\nfn emit(row: u32, col: u32, a: f32, b: f32) {\nlet at = row * Y_STRIDE + col;\nif (col < N) { y[at] += a; }\nif (col + 1u < N) { y[at + 1u] += b; }\n}"
} as const

export const emitRopeCache = {
  "name": "emit_rope_cache",
  "provides": "emit",
  "needs": [
    "cache_write"
  ],
  "enables": [],
  "bindings": {
    "rope": {
      "binding": 4,
      "access": "read"
    },
    "rows": {
      "binding": 5,
      "access": "read"
    },
    "q": {
      "binding": 6,
      "access": "read_write"
    }
  },
  "constants": {
    "HEAD_DIM": "required",
    "HEAD_STRIDE": "required",
    "N_HEADS": "required",
    "N_KV_HEADS": "required",
    "RING": "required"
  },
  "code": "override HEAD_DIM: u32;\noverride HEAD_STRIDE: u32;\noverride N_HEADS: u32;\noverride N_KV_HEADS: u32;\noverride RING: u32;\n@group(0) @binding(4) var<storage, read> rope: array<vec2f>;\n@group(0) @binding(5) var<storage, read> rows: array<vec4u>;\n@group(0) @binding(6) var<storage, read_write> q: array<vec2f>;\nfn emit(row: u32, col: u32, a: f32, b: f32) {\nlet sequence = rows[row].x;\nlet position = rows[row].y;\nif (col >= N || position == 0xffffffffu) { return; }\nlet head = col / HEAD_DIM;\nlet pair = (col % HEAD_DIM) / 2u;\nif (head >= N_HEADS + N_KV_HEADS) {\ncache_write_value(cache_index(sequence, head - N_HEADS - N_KV_HEADS, position) + pair, vec2f(a, b));\nreturn;\n}\nlet turn = rope[position * (HEAD_DIM / 2u) + pair];\nlet rotated = vec2f(a * turn.x - b * turn.y, b * turn.x + a * turn.y);\nif (head < N_HEADS) {\nq[(row * N_HEADS + head) * (HEAD_STRIDE / 2u) + pair] = rotated;\n} else {\ncache_write_key(cache_index(sequence, head - N_HEADS, position) + pair, rotated);\n}\n}\nfn cache_index(sequence: u32, kv_head: u32, position: u32) -> u32 {\nreturn ((sequence * N_KV_HEADS + kv_head) * RING + position % RING) * (HEAD_STRIDE / 2u);\n}"
} as const

export const emitSiluGate = {
  "name": "emit_silu_gate",
  "provides": "emit",
  "needs": [],
  "enables": [],
  "bindings": {
    "y": {
      "binding": 4,
      "access": "read_write"
    }
  },
  "constants": {
    "Y_STRIDE": "required"
  },
  "code": "override Y_STRIDE: u32;\n@group(0) @binding(4) var<storage, read_write> y: array<f32>;\nfn emit(row: u32, col: u32, a: f32, b: f32) {\nif (col < N) { y[row * Y_STRIDE + col / 2u] = a / (1.0 + exp(-a)) * b; }\n}"
} as const

export const emitStore = {
  "name": "emit_store",
  "provides": "emit",
  "needs": [],
  "enables": [],
  "bindings": {
    "y": {
      "binding": 4,
      "access": "read_write"
    }
  },
  "constants": {
    "Y_STRIDE": "required"
  },
  "code": "override Y_STRIDE: u32;\n@group(0) @binding(4) var<storage, read_write> y: array<f32>;\nfn emit(row: u32, col: u32, a: f32, b: f32) {\nlet at = row * Y_STRIDE + col;\nif (col < N) { y[at] = a; }\nif (col + 1u < N) { y[at + 1u] = b; }\n}"
} as const

export const matmulBatch = {
  "name": "matmul_batch",
  "needs": [
    "weights",
    "emit"
  ],
  "enables": [],
  "bindings": {
    "x": {
      "binding": 0,
      "access": "read"
    }
  },
  "constants": {
    "N": "required",
    "LANES": "optional",
    "GROUPS": "optional",
    "WIDE": "optional"
  },
  "code": "override N: u32;\noverride LANES: u32 = 16u;\noverride GROUPS: u32 = 4u;\noverride WIDE: bool = false;\n@group(0) @binding(0) var<storage, read> x: array<vec4f>;\nvar<workgroup> partial: array<vec4f, LANES * GROUPS>;\nvar<workgroup> results: array<vec4f, GROUPS * 8u>;\nfn sum_lanes(slot: u32, lane: u32, value: vec4f) -> vec4f {\nworkgroupBarrier();\npartial[slot] = value;\nfor (var half = LANES / 2u; half > 0u; half /= 2u) {\nworkgroupBarrier();\nif (lane < half) { partial[slot] += partial[slot + half]; }\n}\nreturn partial[slot];\n}\nfn x_rows(first: u32, quad: u32) -> mat4x4f {\nlet stride = K_BLOCKS * 8u;\nlet at = first * stride + quad;\nreturn mat4x4f(x[at], x[at + stride], x[at + 2u * stride], x[at + 3u * stride]);\n}\nfn emit_results(group: u32, lane: u32, col: u32) {\nworkgroupBarrier();\nfor (var i = lane; i < select(8u, 16u, WIDE); i += LANES) {\nlet row = i / 2u;\nlet at = group * 8u + row / 4u + (i % 2u) * 4u;\nemit(row, col + (i % 2u) * 2u, results[at][row % 4u], results[at + 2u][row % 4u]);\n}\n}\n@compute @workgroup_size(LANES, GROUPS)\nfn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u) {\nlet col = (group.x * GROUPS + id.y) * 4u;\nvar a0 = vec4f();\nvar a1 = vec4f();\nvar a2 = vec4f();\nvar a3 = vec4f();\nvar b0 = vec4f();\nvar b1 = vec4f();\nvar b2 = vec4f();\nvar b3 = vec4f();\nfor (var quad = id.x; quad < K_BLOCKS * 8u; quad += LANES) {\nlet w0 = weight_quad(col, quad);\nlet w1 = weight_quad(col + 1u, quad);\nlet w2 = weight_quad(col + 2u, quad);\nlet w3 = weight_quad(col + 3u, quad);\nlet low = x_rows(0u, quad);\na0 += w0 * low;\na1 += w1 * low;\na2 += w2 * low;\na3 += w3 * low;\nif (WIDE) {\nlet high = x_rows(4u, quad);\nb0 += w0 * high;\nb1 += w1 * high;\nb2 += w2 * high;\nb3 += w3 * high;\n}\n}\nlet slot = id.y * LANES + id.x;\na0 = sum_lanes(slot, id.x, a0);\na1 = sum_lanes(slot, id.x, a1);\na2 = sum_lanes(slot, id.x, a2);\na3 = sum_lanes(slot, id.x, a3);\nif (WIDE) {\nb0 = sum_lanes(slot, id.x, b0);\nb1 = sum_lanes(slot, id.x, b1);\nb2 = sum_lanes(slot, id.x, b2);\nb3 = sum_lanes(slot, id.x, b3);\n}\nif (id.x == 0u) {\nlet first = id.y * 8u;\nresults[first] = a0;\nresults[first + 2u] = a1;\nresults[first + 4u] = a2;\nresults[first + 6u] = a3;\nresults[first + 1u] = b0;\nresults[first + 3u] = b1;\nresults[first + 5u] = b2;\nresults[first + 7u] = b3;\n}\nemit_results(id.y, id.x, col);\n}"
} as const

export const matmulBatchSubgroup = {
  "name": "matmul_batch_subgroup",
  "needs": [
    "weights",
    "emit"
  ],
  "enables": [
    "subgroups"
  ],
  "bindings": {
    "x": {
      "binding": 0,
      "access": "read"
    }
  },
  "constants": {
    "N": "required",
    "LANES": "optional",
    "GROUPS": "optional",
    "WORKGROUP": "optional",
    "WIDE": "optional"
  },
  "code": "override N: u32;\noverride LANES: u32 = 16u;\noverride GROUPS: u32 = 4u;\noverride WORKGROUP: u32 = LANES * GROUPS;\noverride WIDE: bool = false;\n@group(0) @binding(0) var<storage, read> x: array<vec4f>;\nvar<workgroup> results: array<vec4f, GROUPS * 8u>;\nfn sum_lanes(value: vec4f) -> vec4f {\nvar sum = value;\nfor (var half = LANES / 2u; half > 0u; half /= 2u) {\nsum += subgroupShuffleXor(sum, half);\n}\nreturn sum;\n}\nfn x_rows(first: u32, quad: u32) -> mat4x4f {\nlet stride = K_BLOCKS * 8u;\nlet at = first * stride + quad;\nreturn mat4x4f(x[at], x[at + stride], x[at + 2u * stride], x[at + 3u * stride]);\n}\nfn emit_results(group: u32, lane: u32, col: u32) {\nworkgroupBarrier();\nfor (var i = lane; i < select(8u, 16u, WIDE); i += LANES) {\nlet row = i / 2u;\nlet at = group * 8u + row / 4u + (i % 2u) * 4u;\nemit(row, col + (i % 2u) * 2u, results[at][row % 4u], results[at + 2u][row % 4u]);\n}\n}\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {\nlet lane = thread % LANES;\nlet col = (group.x * GROUPS + thread / LANES) * 4u;\nvar a0 = vec4f();\nvar a1 = vec4f();\nvar a2 = vec4f();\nvar a3 = vec4f();\nvar b0 = vec4f();\nvar b1 = vec4f();\nvar b2 = vec4f();\nvar b3 = vec4f();\nfor (var quad = lane; quad < K_BLOCKS * 8u; quad += LANES) {\nlet w0 = weight_quad(col, quad);\nlet w1 = weight_quad(col + 1u, quad);\nlet w2 = weight_quad(col + 2u, quad);\nlet w3 = weight_quad(col + 3u, quad);\nlet low = x_rows(0u, quad);\na0 += w0 * low;\na1 += w1 * low;\na2 += w2 * low;\na3 += w3 * low;\nif (WIDE) {\nlet high = x_rows(4u, quad);\nb0 += w0 * high;\nb1 += w1 * high;\nb2 += w2 * high;\nb3 += w3 * high;\n}\n}\na0 = sum_lanes(a0);\na1 = sum_lanes(a1);\na2 = sum_lanes(a2);\na3 = sum_lanes(a3);\nif (WIDE) {\nb0 = sum_lanes(b0);\nb1 = sum_lanes(b1);\nb2 = sum_lanes(b2);\nb3 = sum_lanes(b3);\n}\nif (lane == 0u) {\nlet first = thread / LANES * 8u;\nresults[first] = a0;\nresults[first + 2u] = a1;\nresults[first + 4u] = a2;\nresults[first + 6u] = a3;\nresults[first + 1u] = b0;\nresults[first + 3u] = b1;\nresults[first + 5u] = b2;\nresults[first + 7u] = b3;\n}\nemit_results(thread / LANES, lane, col);\n}"
} as const

export const matmulTile = {
  "name": "matmul_tile",
  "needs": [
    "weights",
    "emit"
  ],
  "enables": [],
  "bindings": {
    "x": {
      "binding": 0,
      "access": "read"
    }
  },
  "constants": {
    "N": "required"
  },
  "code": "override N: u32;\n@group(0) @binding(0) var<storage, read> x: array<vec4f>;\nconst STRIDE = 9u;\nvar<workgroup> x_tile: array<vec4f, 288>;\nvar<workgroup> w_tile: array<vec4f, 576>;\nfn load_tiles(row: u32, col: u32, block: u32, thread: u32) {\nfor (var i = thread; i < 256u; i += 64u) {\nx_tile[(i / 8u) * STRIDE + i % 8u] = x[((row + i / 8u) * K_BLOCKS + block) * 8u + i % 8u];\n}\nfor (var i = thread; i < 512u; i += 64u) {\nw_tile[(i / 8u) * STRIDE + i % 8u] = weight_quad(min(col + i / 8u, N - 1u), block * 8u + i % 8u);\n}\n}\nfn keep(row: u32, x: u32, j: u32, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {\nfor (var i = 0u; i < 4u; i++) {\nw_tile[((row + 8u * i) * 2u + j) * 8u + x] = vec4f(first[i], second[i], third[i], fourth[i]);\n}\n}\n@compute @workgroup_size(8, 8)\nfn main(\n@builtin(workgroup_id) group: vec3u,\n@builtin(local_invocation_id) id: vec3u,\n@builtin(local_invocation_index) thread: u32,\n) {\nlet row = group.y * 32u;\nlet col = group.x * 64u;\nvar a0 = vec4f();\nvar a1 = vec4f();\nvar a2 = vec4f();\nvar a3 = vec4f();\nvar b0 = vec4f();\nvar b1 = vec4f();\nvar b2 = vec4f();\nvar b3 = vec4f();\nfor (var block = 0u; block < K_BLOCKS; block++) {\nload_tiles(row, col, block, thread);\nworkgroupBarrier();\nfor (var k = 0u; k < 8u; k++) {\nlet at = id.y * STRIDE + k;\nlet rows4 = mat4x4f(x_tile[at], x_tile[at + 8u * STRIDE], x_tile[at + 16u * STRIDE], x_tile[at + 24u * STRIDE]);\nlet w = id.x * 2u * STRIDE + k;\na0 += w_tile[w] * rows4;\nb0 += w_tile[w + STRIDE] * rows4;\na1 += w_tile[w + 16u * STRIDE] * rows4;\nb1 += w_tile[w + 17u * STRIDE] * rows4;\na2 += w_tile[w + 32u * STRIDE] * rows4;\nb2 += w_tile[w + 33u * STRIDE] * rows4;\na3 += w_tile[w + 48u * STRIDE] * rows4;\nb3 += w_tile[w + 49u * STRIDE] * rows4;\n}\nworkgroupBarrier();\n}\nkeep(id.y, id.x, 0u, a0, b0, a1, b1);\nkeep(id.y, id.x, 1u, a2, b2, a3, b3);\nworkgroupBarrier();\nfor (var i = thread; i < 1024u; i += 64u) {\nlet pair = i % 32u;\nlet kept = w_tile[((i / 32u) * 2u + pair / 16u) * 8u + pair % 8u];\nlet outputs = select(kept.xy, kept.zw, (pair / 8u) % 2u == 1u);\nemit(row + i / 32u, col + 2u * pair, outputs.x, outputs.y);\n}\n}"
} as const

export const matmulVec = {
  "name": "matmul_vec",
  "needs": [
    "weights",
    "emit"
  ],
  "enables": [],
  "bindings": {
    "x": {
      "binding": 0,
      "access": "read"
    }
  },
  "constants": {
    "N": "required",
    "LANES": "optional",
    "GROUPS": "optional"
  },
  "code": "override N: u32;\noverride LANES: u32 = 32u;\noverride GROUPS: u32 = 2u;\n@group(0) @binding(0) var<storage, read> x: array<vec4f>;\nvar<workgroup> partial: array<vec4f, LANES * GROUPS>;\n@compute @workgroup_size(LANES, GROUPS)\nfn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u) {\nlet row = group.y;\nlet col = (group.x * GROUPS + id.y) * 4u;\nvar sum = vec4f();\nif (col < N) {\nfor (var block = id.x; block < K_BLOCKS; block += LANES) {\nlet at = (row * K_BLOCKS + block) * 8u;\nlet x0 = x[at];\nlet x1 = x[at + 1u];\nlet x2 = x[at + 2u];\nlet x3 = x[at + 3u];\nlet x4 = x[at + 4u];\nlet x5 = x[at + 5u];\nlet x6 = x[at + 6u];\nlet x7 = x[at + 7u];\nsum += vec4f(\nblock_dot(col, block, x0, x1, x2, x3, x4, x5, x6, x7),\nblock_dot(col + 1u, block, x0, x1, x2, x3, x4, x5, x6, x7),\nblock_dot(col + 2u, block, x0, x1, x2, x3, x4, x5, x6, x7),\nblock_dot(col + 3u, block, x0, x1, x2, x3, x4, x5, x6, x7),\n);\n}\n}\nlet slot = id.y * LANES + id.x;\npartial[slot] = sum;\nfor (var half = LANES / 2u; half > 0u; half /= 2u) {\nworkgroupBarrier();\nif (id.x < half) { partial[slot] += partial[slot + half]; }\n}\nworkgroupBarrier();\nif (id.x < 2u) {\nlet total = partial[id.y * LANES];\nlet pair = select(total.xy, total.zw, id.x == 1u);\nemit(row, col + 2u * id.x, pair.x, pair.y);\n}\n}"
} as const

export const matmulVecSubgroup = {
  "name": "matmul_vec_subgroup",
  "needs": [
    "weights",
    "emit"
  ],
  "enables": [
    "subgroups"
  ],
  "bindings": {
    "x": {
      "binding": 0,
      "access": "read"
    }
  },
  "constants": {
    "N": "required",
    "LANES": "optional",
    "GROUPS": "optional",
    "WORKGROUP": "optional"
  },
  "code": "override N: u32;\noverride LANES: u32 = 32u;\noverride GROUPS: u32 = 2u;\noverride WORKGROUP: u32 = LANES * GROUPS;\n@group(0) @binding(0) var<storage, read> x: array<vec4f>;\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {\nlet lane = thread % LANES;\nlet row = group.y;\nlet col = (group.x * GROUPS + thread / LANES) * 4u;\nvar sum = vec4f();\nfor (var block = lane; block < K_BLOCKS; block += LANES) {\nlet at = (row * K_BLOCKS + block) * 8u;\nlet x0 = x[at];\nlet x1 = x[at + 1u];\nlet x2 = x[at + 2u];\nlet x3 = x[at + 3u];\nlet x4 = x[at + 4u];\nlet x5 = x[at + 5u];\nlet x6 = x[at + 6u];\nlet x7 = x[at + 7u];\nsum += vec4f(\nblock_dot(col, block, x0, x1, x2, x3, x4, x5, x6, x7),\nblock_dot(col + 1u, block, x0, x1, x2, x3, x4, x5, x6, x7),\nblock_dot(col + 2u, block, x0, x1, x2, x3, x4, x5, x6, x7),\nblock_dot(col + 3u, block, x0, x1, x2, x3, x4, x5, x6, x7),\n);\n}\nfor (var half = LANES / 2u; half > 0u; half /= 2u) {\nsum += subgroupShuffleXor(sum, half);\n}\nif (lane < 2u) {\nlet pair = select(sum.xy, sum.zw, lane == 1u);\nemit(row, col + 2u * lane, pair.x, pair.y);\n}\n}"
} as const

export const probeSubgroups = {
  "name": "probe_subgroups",
  "needs": [],
  "enables": [
    "subgroups"
  ],
  "bindings": {
    "lanes": {
      "binding": 0,
      "access": "read_write"
    }
  },
  "constants": {},
  "code": "@group(0) @binding(0) var<storage, read_write> lanes: array<vec2u>;\n@compute @workgroup_size(128)\nfn main(\n@builtin(local_invocation_index) thread: u32,\n@builtin(subgroup_invocation_id) lane: u32,\n@builtin(subgroup_size) size: u32,\n) {\nlanes[thread] = vec2u(lane, size);\n}"
} as const

export const rmsNorm = {
  "name": "rms_norm",
  "needs": [],
  "enables": [],
  "bindings": {
    "x": {
      "binding": 0,
      "access": "read"
    },
    "gain": {
      "binding": 1,
      "access": "read"
    },
    "rows": {
      "binding": 2,
      "access": "read"
    },
    "y": {
      "binding": 3,
      "access": "read_write"
    }
  },
  "constants": {
    "D": "required",
    "X_QUADS": "required",
    "EPS": "required",
    "GATHER": "optional",
    "WORKGROUP": "optional"
  },
  "code": "override D: u32;\noverride X_QUADS: u32;\noverride EPS: f32;\noverride GATHER: bool = false;\noverride WORKGROUP: u32 = 64u;\n@group(0) @binding(0) var<storage, read> x: array<vec4f>;\n@group(0) @binding(1) var<storage, read> gain: array<vec4f>;\n@group(0) @binding(2) var<storage, read> rows: array<vec4u>;\n@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;\nvar<workgroup> partial: array<f32, WORKGROUP>;\n@compute @workgroup_size(WORKGROUP)\nfn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {\nvar source = group.x;\nif (GATHER) { source = rows[group.x].z; }\nvar sum = 0.0;\nfor (var i = thread; i < X_QUADS; i += WORKGROUP) {\nlet v = x[source * X_QUADS + i];\nsum += dot(v, v);\n}\npartial[thread] = sum;\nfor (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {\nworkgroupBarrier();\nif (thread < half) { partial[thread] += partial[thread + half]; }\n}\nworkgroupBarrier();\nlet scale = inverseSqrt(partial[0] / f32(D) + EPS);\nfor (var i = thread; i < X_QUADS; i += WORKGROUP) {\ny[group.x * X_QUADS + i] = x[source * X_QUADS + i] * scale * gain[i];\n}\n}"
} as const

export const streamRead = {
  "name": "stream_read",
  "needs": [],
  "enables": [],
  "bindings": {
    "words": {
      "binding": 0,
      "access": "read"
    },
    "sums": {
      "binding": 1,
      "access": "read_write"
    }
  },
  "constants": {
    "WORDS": "required",
    "THREADS": "required"
  },
  "code": "override WORDS: u32;\noverride THREADS: u32;\n@group(0) @binding(0) var<storage, read> words: array<vec4u>;\n@group(0) @binding(1) var<storage, read_write> sums: array<vec4u>;\n@compute @workgroup_size(64)\nfn main(@builtin(global_invocation_id) id: vec3u) {\nvar sum = vec4u();\nfor (var i = id.x; i < WORDS; i += THREADS) { sum ^= words[i]; }\nsums[id.x] = sum;\n}"
} as const

export const weightsBf16 = {
  "name": "weights_bf16",
  "provides": "weights",
  "needs": [],
  "enables": [],
  "bindings": {
    "weights": {
      "binding": 2,
      "access": "read"
    }
  },
  "constants": {
    "K_BLOCKS": "required"
  },
  "code": "override K_BLOCKS: u32;\n@group(0) @binding(2) var<storage, read> weights: array<vec4u>;\nfn unpack_quad(bits: vec2u) -> vec4f {\nlet low = bits << vec2u(16u);\nlet high = bits & vec2u(0xffff0000u);\nreturn bitcast<vec4f>(vec4u(low.x, high.x, low.y, high.y));\n}\nfn weight_quad(row: u32, quad: u32) -> vec4f {\nlet bits = weights[row * K_BLOCKS * 4u + quad / 2u];\nreturn unpack_quad(select(bits.xy, bits.zw, (quad & 1u) == 1u));\n}\nfn block_dot(\nrow: u32, block: u32,\nx0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,\n) -> f32 {\nlet at = (row * K_BLOCKS + block) * 4u;\nlet a = weights[at];\nlet b = weights[at + 1u];\nlet c = weights[at + 2u];\nlet d = weights[at + 3u];\nreturn dot(unpack_quad(a.xy), x0) + dot(unpack_quad(a.zw), x1) + dot(unpack_quad(b.xy), x2) + dot(unpack_quad(b.zw), x3)\n+ dot(unpack_quad(c.xy), x4) + dot(unpack_quad(c.zw), x5) + dot(unpack_quad(d.xy), x6) + dot(unpack_quad(d.zw), x7);\n}"
} as const

export const weightsF16 = {
  "name": "weights_f16",
  "provides": "weights",
  "needs": [],
  "enables": [],
  "bindings": {
    "weights": {
      "binding": 2,
      "access": "read"
    }
  },
  "constants": {
    "K_BLOCKS": "required"
  },
  "code": "override K_BLOCKS: u32;\n@group(0) @binding(2) var<storage, read> weights: array<vec4u>;\nfn unpack_quad(bits: vec2u) -> vec4f {\nreturn vec4f(unpack2x16float(bits.x), unpack2x16float(bits.y));\n}\nfn weight_quad(row: u32, quad: u32) -> vec4f {\nlet bits = weights[row * K_BLOCKS * 4u + quad / 2u];\nreturn unpack_quad(select(bits.xy, bits.zw, (quad & 1u) == 1u));\n}\nfn block_dot(\nrow: u32, block: u32,\nx0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,\n) -> f32 {\nlet at = (row * K_BLOCKS + block) * 4u;\nlet a = weights[at];\nlet b = weights[at + 1u];\nlet c = weights[at + 2u];\nlet d = weights[at + 3u];\nreturn dot(unpack_quad(a.xy), x0) + dot(unpack_quad(a.zw), x1) + dot(unpack_quad(b.xy), x2) + dot(unpack_quad(b.zw), x3)\n+ dot(unpack_quad(c.xy), x4) + dot(unpack_quad(c.zw), x5) + dot(unpack_quad(d.xy), x6) + dot(unpack_quad(d.zw), x7);\n}"
} as const

export const weightsF16Native = {
  "name": "weights_f16_native",
  "provides": "weights",
  "needs": [],
  "enables": [
    "f16"
  ],
  "bindings": {
    "weights": {
      "binding": 2,
      "access": "read"
    }
  },
  "constants": {
    "K_BLOCKS": "required"
  },
  "code": "override K_BLOCKS: u32;\n@group(0) @binding(2) var<storage, read> weights: array<vec4<f16>>;\nfn weight_quad(row: u32, quad: u32) -> vec4f {\nreturn vec4f(weights[row * K_BLOCKS * 8u + quad]);\n}\nfn block_dot(\nrow: u32, block: u32,\nx0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,\n) -> f32 {\nlet at = (row * K_BLOCKS + block) * 8u;\nreturn dot(vec4f(weights[at]), x0) + dot(vec4f(weights[at + 1u]), x1)\n+ dot(vec4f(weights[at + 2u]), x2) + dot(vec4f(weights[at + 3u]), x3)\n+ dot(vec4f(weights[at + 4u]), x4) + dot(vec4f(weights[at + 5u]), x5)\n+ dot(vec4f(weights[at + 6u]), x6) + dot(vec4f(weights[at + 7u]), x7);\n}"
} as const

export const weightsF32 = {
  "name": "weights_f32",
  "provides": "weights",
  "needs": [],
  "enables": [],
  "bindings": {
    "weights": {
      "binding": 2,
      "access": "read"
    }
  },
  "constants": {
    "K_BLOCKS": "required"
  },
  "code": "override K_BLOCKS: u32;\n@group(0) @binding(2) var<storage, read> weights: array<vec4f>;\nfn weight_quad(row: u32, quad: u32) -> vec4f {\nreturn weights[row * K_BLOCKS * 8u + quad];\n}\nfn block_dot(\nrow: u32, block: u32,\nx0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,\n) -> f32 {\nlet at = (row * K_BLOCKS + block) * 8u;\nreturn dot(weights[at], x0) + dot(weights[at + 1u], x1) + dot(weights[at + 2u], x2) + dot(weights[at + 3u], x3)\n+ dot(weights[at + 4u], x4) + dot(weights[at + 5u], x5) + dot(weights[at + 6u], x6) + dot(weights[at + 7u], x7);\n}"
} as const

export const weightsQ4 = {
  "name": "weights_q4",
  "provides": "weights",
  "needs": [],
  "enables": [],
  "bindings": {
    "weights": {
      "binding": 2,
      "access": "read"
    },
    "scales": {
      "binding": 3,
      "access": "read"
    }
  },
  "constants": {
    "K_BLOCKS": "required"
  },
  "code": "override K_BLOCKS: u32;\n@group(0) @binding(2) var<storage, read> weights: array<vec4u>;\n@group(0) @binding(3) var<storage, read> scales: array<u32>;\nfn block_scale(row: u32, block: u32) -> f32 {\nlet at = row * K_BLOCKS + block;\nreturn unpack2x16float(scales[at / 2u])[at & 1u];\n}\nfn low_nibbles(word: u32) -> vec4f {\nreturn vec4f((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u)) - vec4f(8.0);\n}\nfn weight_quad(row: u32, quad: u32) -> vec4f {\nlet word = weights[row * K_BLOCKS + quad / 8u][(quad / 2u) & 3u];\nreturn block_scale(row, quad / 8u) * low_nibbles(word >> ((quad & 1u) * 4u));\n}\nfn block_dot(\nrow: u32, block: u32,\nx0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,\n) -> f32 {\nlet a = weights[row * K_BLOCKS + block];\nlet sum = dot(low_nibbles(a.x), x0) + dot(low_nibbles(a.x >> 4u), x1)\n+ dot(low_nibbles(a.y), x2) + dot(low_nibbles(a.y >> 4u), x3)\n+ dot(low_nibbles(a.z), x4) + dot(low_nibbles(a.z >> 4u), x5)\n+ dot(low_nibbles(a.w), x6) + dot(low_nibbles(a.w >> 4u), x7);\nreturn block_scale(row, block) * sum;\n}"
} as const

export const weightsQ8 = {
  "name": "weights_q8",
  "provides": "weights",
  "needs": [],
  "enables": [],
  "bindings": {
    "weights": {
      "binding": 2,
      "access": "read"
    },
    "scales": {
      "binding": 3,
      "access": "read"
    }
  },
  "constants": {
    "K_BLOCKS": "required"
  },
  "code": "override K_BLOCKS: u32;\n@group(0) @binding(2) var<storage, read> weights: array<vec4u>;\n@group(0) @binding(3) var<storage, read> scales: array<u32>;\nfn block_scale(row: u32, block: u32) -> f32 {\nlet at = row * K_BLOCKS + block;\nreturn unpack2x16float(scales[at / 2u])[at & 1u];\n}\nfn signed_bytes(word: u32) -> vec4f {\nreturn vec4f(bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));\n}\nfn weight_quad(row: u32, quad: u32) -> vec4f {\nlet word = weights[row * K_BLOCKS * 2u + quad / 4u][quad & 3u];\nreturn block_scale(row, quad / 8u) * signed_bytes(word);\n}\nfn block_dot(\nrow: u32, block: u32,\nx0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,\n) -> f32 {\nlet at = (row * K_BLOCKS + block) * 2u;\nlet a = weights[at];\nlet b = weights[at + 1u];\nlet sum = dot(signed_bytes(a.x), x0) + dot(signed_bytes(a.y), x1)\n+ dot(signed_bytes(a.z), x2) + dot(signed_bytes(a.w), x3)\n+ dot(signed_bytes(b.x), x4) + dot(signed_bytes(b.y), x5)\n+ dot(signed_bytes(b.z), x6) + dot(signed_bytes(b.w), x7);\nreturn block_scale(row, block) * sum;\n}"
} as const
