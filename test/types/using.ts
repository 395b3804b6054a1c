/** `using`, where the library of types has it. */
import { MistralChat, MistralModel } from 'mistral-webgpu'

export async function scoped(): Promise<number> {
  using model = await MistralModel.load('a')
  using chat = await MistralChat.load('b')
  return model.contextLength + chat.model.contextLength
}
