/**
 * Breaks a text into lines at words while it streams to a terminal. Each piece is written as it comes; when a word turns
 * out to be too long for the rest of its line, what was written of it is taken back and begun again on the next line.
 */
import stringWidth from 'string-width'

const TAB = 8
/** Erases what is between this column (counted from 1) and the end of the line. */
const backTo = (column: number): string => `\x1b[${column}G\x1b[K`
/** Chinese and Japanese break between any two characters, but not before these. */
const NEVER_FIRST = /^[、。，．：；！？）」』】〉》〕…ーっッ々%)\]},.:;!?]/u
const FENCE = /^\s*(?:```|~~~)/

export class WordWrap {
  /** Where the word begins, and what of it is on the screen. */
  private column = 0
  private word = ''
  /** The line's beginning as the model wrote it, to see where blocks of code begin and end. */
  private line = ''
  private isCode = false
  /** The line is full: whatever comes next begins another one, and a blank there is left out. */
  private isFull = false
  /** The window has changed in the middle of a line: the next word begins a line of its own. */
  private isUnsure = false
  private lastColumns: number

  /** @param columns characters in a line of the window at this moment */
  constructor(private readonly columns: () => number) {
    this.lastColumns = columns()
  }

  /** Gives what to write to the terminal for the next piece of the text. */
  push(text: string): string {
    this.followWindow()
    let out = ''
    for (const char of text) out += this.add(char)
    return out
  }

  /** Terminals differ in what they do with a line when their window changes: where the cursor is, nobody knows. */
  private followWindow(): void {
    const columns = this.columns()
    if (columns === this.lastColumns) return
    this.lastColumns = columns
    this.isUnsure = this.column > 0 || this.word !== ''
  }

  private add(char: string): string {
    if (char === '\n') return this.endLine()
    if (this.line.length < 8) this.line += char
    if (this.isCode) return char
    if (this.isUnsure && char !== ' ') return char
    if (char === ' ') return this.addBlank()
    if (char === '\t') return this.addTab()
    return this.addToWord(char)
  }

  private endLine(): string {
    if (FENCE.test(this.line)) this.isCode = !this.isCode
    this.line = ''
    this.startLine()
    return '\n'
  }

  private startLine(): void {
    this.column = 0
    this.word = ''
    this.isFull = false
    this.isUnsure = false
  }

  private endWord(): void {
    this.column += width(this.word)
    this.word = ''
  }

  private addBlank(): string {
    this.endWord()
    if (this.isUnsure || this.column >= this.lastColumns) this.isFull = true
    this.isUnsure = false
    if (this.isFull) return ''
    this.column++
    return ' '
  }

  private addTab(): string {
    this.endWord()
    this.column = Math.min((Math.floor(this.column / TAB) + 1) * TAB, this.lastColumns - 1)
    return '\t'
  }

  private addToWord(char: string): string {
    let out = ''
    if (this.isFull) {
      out = '\n'
      this.startLine()
    }
    const last = [...this.word].at(-1) ?? ''
    const isBreak = (width(char) > 1 || width(last) > 1) && !NEVER_FIRST.test(char) && !joins(this.word, char)
    if (this.word !== '' && isBreak) this.endWord()
    const shown = this.word
    this.word += char
    if (this.column + width(this.word) <= this.lastColumns) return out + char
    // A word that fills more than a line is broken where the line ends, as the terminal does it.
    if (this.column === 0) {
      this.word = char
      return out + char
    }
    const taken = shown === '' ? '' : backTo(this.column + 1)
    this.column = 0
    return `${out}${taken}\n${this.word}`
  }
}

/** Both make one character on the screen. */
function joins(before: string, char: string): boolean {
  return width(before + char) <= width(before)
}

function width(text: string): number {
  // Nearly all text; measuring the rest is many times slower.
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text)
}
