/** What only a page has. */
import { MistralChat } from 'mistral-webgpu'

export const fromFolder = (handle: FileSystemDirectoryHandle): Promise<MistralChat> => MistralChat.load(handle)
