/** Which files of tests share a process, and in which order files run. */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that use no device, start no program and change nothing global (no `vi.spyOn`, no variables of the environment): they
 * follow each other in one process, and what they import is read once. A new file is not among them unless named here.
 */
export const TOGETHER = [
  'test/{checks,errors}.test.ts',
  'test/{constraints,json,reference,sampling,tokenizer/jinja}/*.test.ts',
  'test/async/{merge,result-stream}.test.ts',
  'test/chat/{answer,broken-tool-calls,json-scanner,request,stop-filter,thoughts,tool-calls,tool-choice}.test.ts',
  'test/cli/{chat-commands,conversation,options,questions,units,word-wrap}.test.ts',
  'test/formats/{blocks,gguf-parts,gguf,hostile-files,hub-name,safetensors,source,whole-reader}.test.ts',
  'test/model/{adapter-files,checkpoint-refusals,checkpoint,generation-config,mistral3,native-layout,repack,rope}.test.ts',
  'test/model/{config-gguf,config-hf,config-transformers,quantization-hf,quantized-faults}.test.ts',
  'test/server/{anthropic,app,clients,default-fields,ollama,openai-failures,predict,responses,safety}.test.ts',
  'test/server/{stored-responses,streams,wire-errors}.test.ts',
  'test/shaders/{contract,subgroup-matrix}.test.ts',
  'test/tokenizer/{added-tokens,builtin-template,chat-formats,chat-messages,chat-template,gguf,load}.test.ts',
  'test/tokenizer/{merger,tekken,template-messages,tokenizer,vectors,word-steps}.test.ts',
  'test/runtime/demo-conversations.test.ts',
  'test/tools/{release-notes,supported-models}.test.ts',
]

/** The name of the project whose files share a process. */
export const SHARED = 'shared process'

/** The longest, half a minute and more. Browsers and others take turns, so that seldom two browsers run at once. */
const LONG = [
  'runtime/lifetimes',
  'model/golden',
  'runtime/tabs',
  'pocket/pocket',
  'runtime/demo-models',
  'kernels/sampler',
  'runtime/demo-keeps',
  'runtime/demo',
  'generate/constraints',
  'runtime/hub-cache',
  'model/quantized',
  'runtime/losses',
  'server/malformed-faces',
  'runtime/service-worker',
  'chat/constrained',
  'runtime/browser',
  'formats/hub-cache',
]

/**
 * The longest first, and those of a shared process last: they are short, so that no worker idles at the end. The same on each
 * machine, whatever it remembers of earlier runs.
 */
export class Sequence extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification): number => {
      const long = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
      if (long >= 0) return long
      return project.name === SHARED ? LONG.length + 1 : LONG.length
    }
    return files.toSorted((a, b) => place(a) - place(b) || (a.moduleId < b.moduleId ? -1 : 1))
  }
}
