/** Models of the family that cannot be run here: why, and what runs instead. */

const EXPERTS = 'a mixture of experts, whose layers choose among many feed-forward networks for each token'
const LATENT = 'latent attention (MLA), which keeps compressed keys and values,'

/** By what a config or a GGUF calls them; each is what a sentence that begins with the name goes on with. */
const OTHER_MODELS: Readonly<Record<string, string>> = {
  mixtral: `is ${EXPERTS}; that is not supported. Dense models run: Mistral 7B, Mistral Nemo, Mistral Small, Ministral 3`,
  mistral4:
    `(Mistral Small 4, 119 billion weights) has ${LATENT} and is ${EXPERTS}; neither is supported. ` +
    'Mistral Small 3.2 and Ministral 3 run',
  deepseek2:
    `(Mistral Large 3 with 675 billion weights, or DeepSeek V2 and V3) has ${LATENT} and is ${EXPERTS}; neither is ` +
    'supported. Ministral 3, Mistral Small 3.2 and Devstral 2 run',
  voxtral: 'understands speech, which is not supported. Mistral Small and Ministral 3 run, without their images',
}
const SAME_AS: Readonly<Record<string, string>> = {
  mixtralforcausallm: 'mixtral',
  mistral4forcausallm: 'mistral4',
  deepseek_v2: 'deepseek2',
  deepseek_v3: 'deepseek2',
  deepseekv3forcausallm: 'deepseek2',
  mistral_large_3: 'deepseek2',
  mistrallarge3forcausallm: 'deepseek2',
  voxtral_realtime: 'voxtral',
}

/** What to say of a model by its type, class or architecture; undefined for names that mean nothing here. */
export function otherModelFact(name: unknown): string | undefined {
  if (typeof name !== 'string') return undefined
  const lower = name.toLowerCase()
  const key = Object.hasOwn(SAME_AS, lower) ? SAME_AS[lower]! : lower
  return Object.hasOwn(OTHER_MODELS, key) ? OTHER_MODELS[key] : undefined
}

/** What to say of experts in a model whose architecture does not name them. */
export const EXPERTS_FACT = OTHER_MODELS.mixtral!
