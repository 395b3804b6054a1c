/** Advises what to install when there is no usable GPU. One step each, the most likely first. */

/** The runtime has no WebGPU at all. */
export function packageAdvice(runtime: 'browser' | 'node' | 'bun' | 'deno'): string[] {
  if (runtime === 'deno')
    return ['use Deno 2, which has WebGPU without a flag; Deno 1 needs: deno run --unstable-webgpu -A ...']
  return [
    'install Dawn, the WebGPU of Chrome, beside this package: npm install webgpu',
    'npx finds it when it is told of both: npx -p mistral-webgpu -p webgpu mistral-webgpu chat',
    'it has binaries for Linux with glibc (so not Alpine), macOS and Windows, each on x64 and arm64',
    'or run under Deno 2, which brings its own: deno run -A npm:mistral-webgpu doctor',
  ]
}

/**
 * WebGPU is there and finds no adapter.
 *
 * @param runtime as `Terminal.runtime`: `node 22.1.0, linux x64`
 */
export function adapterAdvice(runtime: string): string[] {
  if (runtime.includes('darwin')) {
    return ['WebGPU needs Metal, which virtual machines often lack: run on the Mac itself', 'update macOS']
  }
  if (runtime.includes('win32')) {
    return [
      'install the graphics driver of the vendor (NVIDIA, AMD, Intel); WebGPU needs Direct3D 12 or Vulkan',
      'remote desktops and virtual machines often hide the GPU: run on its own console',
    ]
  }
  return [
    'NVIDIA: the vendor’s driver with its Vulkan part (libnvidia-gl, nvidia_icd.json); in a container:' +
      ' --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all',
    'AMD, Intel, or no GPU at all: apt-get install libvulkan1 mesa-vulkan-drivers (Fedora: vulkan-loader' +
      ' mesa-vulkan-drivers); Mesa must be 24 or newer',
    'Debian 12’s own Mesa (22.3) is too old and refused; take it from backports:' +
      ' apt-get install -t bookworm-backports mesa-vulkan-drivers',
    'look at what the Vulkan loader sees: vulkaninfo --summary (package vulkan-tools)',
    'VK_ICD_FILENAMES=/usr/share/vulkan/icd.d/lvp_icd.json picks lavapipe, which computes on the CPU',
    'a user who may not open /dev/dri/renderD128 must be in the group "render" or "video"',
  ]
}
