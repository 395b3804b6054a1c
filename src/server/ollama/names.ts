/** Names of models as Ollama's clients write them. */

/** They put `:latest` behind names without a tag. */
export function withoutTag(model: string): string {
  return model.replace(/:latest$/, '')
}
