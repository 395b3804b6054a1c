/** The tests that need no WebGPU adapter and take less than a minute together: `npm run test:fast`. */
import { defaultExclude, mergeConfig } from 'vitest/config'
import { common } from '../vitest.config.ts'

/** What runs kernels, or a program that does. */
const ON_A_DEVICE = [
  'test/{ai-sdk,generate,gpu,kernels,pocket,prompt-api,runtime}/**',
  'test/chat/{choices,constrained,continued,forced-calls,mistral-chat,reasoning}.test.ts',
  'test/cli/{adapters,bench,chat-template,doctor,generate,perplexity,prompt-input,pseudo-terminal,quantize,serve,serve-end}.test.ts',
  'test/model/{adapters,block-types,golden,kernel-choice,kv-cache,long-context,memory,quantized,random-shapes,self-test,weights,wide-prompts}.test.ts',
  'test/platform/node.test.ts',
  'test/server/{adapters,ai-sdk,examples,faces,http,limits,malformed,malformed-faces,mistral-client}.test.ts',
  'test/server/{embeddings,nginx,openai-client,replicas,structured-clients}.test.ts',
  'test/server/vocabularies.test.ts',
  'test/shaders/compile.test.ts',
  'test/tools/with-adapter.test.ts',
]
/** What starts many programs. */
const SLOW = [
  'test/cli/{invocation,pull}.test.ts',
  'test/formats/{dev-servers,hub-cache}.test.ts',
  'test/platform/stderr-filter.test.ts',
]

const fast = mergeConfig(common, {
  test: { include: ['test/**/*.test.ts'], exclude: [...defaultExclude, ...ON_A_DEVICE, ...SLOW] },
})
// Nothing native runs here, so that threads will do, and no adapter is looked for.
export default { ...fast, root: '.', test: { ...fast.test, pool: 'threads' } }
