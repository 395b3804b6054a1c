/** Grammars that ask for more than anybody could compute. */

/** As many as that, each made by its number. */
export const list = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

const abc = 'abcdefghijklmnopqrstuvwxyz'
export const GRAMMARS: Readonly<Record<string, () => string>> = {
  'left recursion': () => 'root ::= root "a" | "b"',
  'left recursion behind what may be nothing': () => 'root ::= x? y* root "a" | "b"\nx ::= "x"?\ny ::= "y"*',
  'left recursion around a long way': () =>
    `root ::= r0\n${list(3000, (i) => `r${i} ::= r${(i + 1) % 3000} "a" | "b"`).join('\n')}`,
  'left recursion in the middle': () => 'root ::= "a" x\nx ::= x "b" | "c"',
  'two rules that begin with each other': () => 'root ::= "s" a\na ::= b "x" | "1"\nb ::= a "y" | "2"',
  'rules that only go on': () => 'root ::= "a" root',
  'rules that only lead to each other': () =>
    `root ::= r0\n${list(2000, (i) => `r${i} ::= r${(i + 1) % 2000}`).join('\n')}`,
  'rules that double': () => `root ::= r0\n${list(60, (i) => `r${i} ::= r${i + 1} r${i + 1}`).join('\n')}\nr60 ::= "a"`,
  'rules that double and recur': () =>
    `root ::= r0\n${list(60, (i) => `r${i} ::= r${i + 1} r${i + 1} | "x" r0 "y"`).join('\n')}\nr60 ::= "a" root? "b"`,
  'rules that choose twice': () =>
    `root ::= r0\n${list(60, (i) => `r${i} ::= r${i + 1} | r${i + 1} "b" | "(" r0 ")"`).join('\n')}\nr60 ::= "a"`,
  'a row of rules': () => `root ::= r0\n${list(10_000, (i) => `r${i} ::= r${i + 1}`).join('\n')}\nr10000 ::= "a"`,
  'a row of rules with parts': () =>
    `root ::= r0\n${list(8000, (i) => `r${i} ::= "a" r${i + 1} "b" r${i + 1}`).join('\n')}\nr8000 ::= "c"`,
  'read in many ways': () => 'root ::= s\ns ::= "a" s s | "a"',
  'read in very many ways': () => 'root ::= s\ns ::= "a" s s s | "a" s s | "a" s | "a"',
  'ifs without an end': () => 'root ::= e\ne ::= "a" e | "a" e "b" | "c"?',
  palindromes: () => 'root ::= p\np ::= "a" p "a" | "b" p "b" | "a"? "b"?',
  'all that may be nothing': () =>
    `root ::= x x x x x x x x x "a"\nx ::= y? y? y? y?\ny ::= z? z? z? z?\nz ::= "b"? ("c" x)?`,
  'nested bounds': () => 'root ::= (((x{0,200}){0,200}){0,200}){0,200}\nx ::= "(" root? ")"',
  'huge bounds': () => 'root ::= x{1000000000}\nx ::= "a" y?\ny ::= "(" x ")"',
  'bounds in a row': () => `root ::= ${'x{0,50} '.repeat(200)}\nx ::= "a" ("(" x ")")?`,
  'a row of what may be left out': () => `root ::= ${'x? '.repeat(3000)}\nx ::= "a" ("(" x ")")?`,
  'repetitions of repetitions': () => `root ::= "a"${'*'.repeat(200)}`,
  'repetitions of repetitions of a rule': () => `root ::= x${'*'.repeat(150)}\nx ::= "a" root? "b"`,
  'groups and repetitions in each other': () => `root ::= ${'('.repeat(190)}"a"${')*'.repeat(190)}`,
  'deep groups': () => `root ::= ${'('.repeat(50_000)}"a"${')'.repeat(50_000)}`,
  'many rules': () =>
    `root ::= ${list(15_000, (i) => `r${i}`).join(' | ')}\n${list(15_000, (i) => `r${i} ::= "${i}"`).join('\n')}`,
  'many rules that recur': () =>
    `root ::= ${list(5000, (i) => `r${i}`).join(' | ')}\n${list(5000, (i) => `r${i} ::= "${i}" root?`).join('\n')}`,
  'many alternatives': () => `root ::= (${list(40_000, (i) => `"${i}"`).join('|')})*`,
  'many alternatives that recur': () => `root ::= ${list(10_000, (i) => `"${i % 10}" root "${i}"`).join(' | ')} | "x"`,
  'a long text': () => `root ::= "${'a'.repeat(500_000)}"`,
  'a long class': () =>
    `root ::= [${list(100_000, (i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join('')}]*`,
  'counters that overlap': () => 'root ::= [ab]* "a" [ab]{60}',
  'counters that overlap, behind a rule': () => 'root ::= x* "a" x{60}\nx ::= [ab] | "(" root ")"',
  'rules that may be nothing, found last': () =>
    `root ::= r0\n${list(30_000, (i) => `r${i}::=r${i + 1}`).join('\n')}\nr30000 ::= "a"?`,
  'rules that begin with many rules': () =>
    `root ::= r0\n${list(300, (i) => `r${i} ::= ${list(200, (j) => `r${i + 1 + (j % 9)}`).join('|')}`).join('\n')}\n${list(10, (i) => `r${300 + i} ::= "a"`).join('\n')}`,
  'too long': () => `root ::= "a"\n${'# comment\n'.repeat(100_000)}`,
  'one rule of everything': () =>
    `root ::= ${list(26, (i) => `"${abc[i]}" root "${abc[25 - i]}"`).join(' | ')} | root2\nroot2 ::= ${list(26, (i) => `"${abc[i]}" root2?`).join(' | ')}`,
}
