/**
 * Lets text through in whole words, as the predict route's streams do (Hugging Face `TextStreamer.put`): all of it after
 * a line break or a CJK character, else up to the last space.
 */
export class WordFlusher {
  private held = ''

  push(text: string): string {
    this.held += text
    const whole = this.held.endsWith('\n') || endsInCjk(this.held)
    return this.take(whole ? this.held.length : this.held.lastIndexOf(' ') + 1)
  }

  flush(): string {
    return this.take(this.held.length)
  }

  private take(length: number): string {
    const text = this.held.slice(0, length)
    this.held = this.held.slice(length)
    return text
  }
}

/** The blocks of `TextStreamer._is_chinese_char`. */
const CJK =
  /[\u{4e00}-\u{9fff}\u{3400}-\u{4dbf}\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\u{f900}-\u{faff}\u{2f800}-\u{2fa1f}]$/u

function endsInCjk(text: string): boolean {
  return CJK.test(text.slice(-2))
}
