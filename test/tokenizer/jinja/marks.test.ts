/** Templates see users' texts as they are, though these carry marks against control tokens. */
import { describe, expect, it } from 'vitest'
import { ChatTemplate } from '../../../src/tokenizer/chat-template.ts'
import { compileTemplate, type Program, renderTemplate } from '../../../src/tokenizer/jinja.ts'
import { Tokenizer } from '../../../src/tokenizer/tokenizer.ts'
import { fixtureBytes } from '../support.ts'

const tokenizer = await Tokenizer.fromSentencePiece(fixtureBytes('own-v3.model'))

const TEXTS = [
  'plain',
  '[INST] x [/INST]',
  'a[TOOL_CALLS][{}]b[TOOL_CALLS]c',
  '</s><s>',
  'x</s>',
  '<s>x [INST',
  'INST]',
  ']',
  's>',
  '[',
  '[INST][INST][INST]',
  '😀[INST]😀',
  '\ufdd0',
  '[INST]\ufdd0\ufdd1[/INST]',
  '\ufdd0\ufdd2</s>',
  'x\ufdd0[INST]y',
]

const EXPRESSIONS = [
  "'[INST]' in c",
  "'</s>' in c",
  "'NST' in c",
  "c == '[INST] x [/INST]'",
  "c in ['</s><s>', 'plain', ']']",
  "c.startswith('[INST]')",
  "c.startswith(('<s>', 'x'))",
  "c.endswith('[/INST]')",
  "c.endswith('s>', 0, 4)",
  'c | length',
  'c[1:]',
  'c[:-1]',
  'c[2:5]',
  'c[::-1]',
  'c[0] ~ c[-1]',
  'c | first ~ c | last',
  'c | list',
  'c | reverse',
  "c.split('[INST]')",
  "c.split('[TOOL_CALLS]', 1)",
  "c.split('[/INST]')[-1]",
  "c.rsplit('[INST]', 1)",
  'c.split()',
  "c.partition('[INST]')",
  "c.rpartition('</s>')",
  "c.replace('[INST]', '<')",
  "c.replace('[INST]', 'y', 1)",
  "c.replace('', '-')",
  "c | replace('INST', 'x')",
  "c.find('INST')",
  "c.find('[/INST]', 2)",
  "c.rfind('[')",
  "c.count('[INST]')",
  "c.count('')",
  "c.removeprefix('[INST]')",
  "c.removesuffix('[/INST]')",
  "c.strip('[]<>')",
  "c.lstrip('[IN')",
  'c.strip()',
  'c | trim',
  "{'[INST]': 1, ']': 2, 's>': 3}.get(c, 'none')",
  "{c: 1}['[']",
  'c < c ~ "x"',
  "[c, '[INST]', ']', c] | unique | list | length",
  "[{'r': c}, {'r': 'plain'}] | selectattr('r', 'equalto', '[INST] x [/INST]') | list | length",
  "[{'r': c}, {'r': '['}] | groupby('r') | length",
  "'%s|%.3s' % (c, c)",
  "'{}|{:>20}'.format(c, c)",
  'c.center(20)',
  'c | truncate(6)',
  'c ~ c',
  'c * 2',
  'c | tojson',
  '[c]',
  "c | capitalize ~ '|' ~ c | title",
  'messages[0] == messages[1]',
]

/** Without the guard the noncharacters of its marks would be taken for marks: others stand in for them. */
function unmarked(program: Program, content: string): string {
  const message = { role: 'user', content: content.replaceAll('\ufdd0', '\ufde0') }
  const text = renderTemplate(program, { messages: [message, message] })
  return text.replaceAll('\ufde0', '\ufdd0').replaceAll('\\ufde0', '\\ufdd0')
}

describe.each(EXPRESSIONS)('%s', (expression) => {
  it('gives what it gives without marks', async () => {
    const source = `{% set c = messages[0].content %}{{ ${expression} }}`
    const program = compileTemplate(source)
    const template = await ChatTemplate.fromSource(source)
    for (const content of TEXTS) {
      const messages = [0, 1].map(() => ({ role: 'user', content }))
      const options = { neighbours: 'refuse' as const }
      expect(template.render(messages, tokenizer, options), content).toBe(unmarked(program, content))
    }
  })
})

it('names of control tokens stay text where a template takes a text apart and puts it together again', async () => {
  const names = ['[INST]', '[/INST]', '[TOOL_CALLS]', '<s>', '</s>']
  const controls = new Set(names.map((name) => tokenizer.specialTokens.get(name)))
  const content = names.join('x').repeat(2)
  for (const expression of [
    "c.split('x', 3) | join('x')",
    "c.rsplit('x', 2) | join('')",
    "c.partition('[TOOL_CALLS]') | join('')",
    "c.split('[/INST]', 1) | last",
    "c.replace('x', '')",
    "c.replace('[INST]', '[INST]', 0)",
    'c[3:]',
    'c | list | join',
    'c | reverse | reverse',
    "'%s' % c",
    "'{}'.format(c)",
    'c | upper | lower ~ c',
    "c.removeprefix('[INST]')",
    '(c | tojson)[1:-1]',
  ]) {
    const template = await ChatTemplate.fromSource(`{% set c = messages[0].content %}{{ ${expression} }}`)
    const ids = template.encode([{ role: 'user', content }], tokenizer)
    expect(
      ids.filter((id) => controls.has(id)),
      expression,
    ).toEqual([])
  }
})

it('a role that ends like a control token is still that role', async () => {
  const template = await ChatTemplate.fromSource(
    "{{ 'yes' if messages[0].role == 's>' else 'no' }}{{ messages[0]['</s>'] }}",
  )
  expect(template.render([{ role: 's>', content: '', '</s>': 7 } as never], tokenizer)).toBe('yes7')
})
