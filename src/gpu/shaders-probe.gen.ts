// Made by `npm run shaders` from shaders/*.wgsl. Do not edit.

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
  "code": "@group(0)@binding(0)var<storage,read_write>lanes:array<vec2u>;\n@compute @workgroup_size(128)\nfn main(\n@builtin(local_invocation_index)thread:u32,\n@builtin(subgroup_invocation_id)lane:u32,\n@builtin(subgroup_size)size:u32,\n){\nlanes[thread]=vec2u(lane,size);\n}"
} as const
