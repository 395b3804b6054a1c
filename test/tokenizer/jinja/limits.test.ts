/** What templates are refused for, when they are loaded and while they run, and what the errors say. */
import { describe, expect, it } from 'vitest'
import { ChatTemplateError, ConversationError } from '../../../src/errors.ts'
import { compileTemplate, renderTemplate } from '../../../src/tokenizer/jinja.ts'

const render = (source: string, variables: Record<string, unknown> = {}) =>
  renderTemplate(compileTemplate(source), variables)

describe('when it is loaded, a template is refused that', () => {
  it.each([
    ["{% include 'x' %}", '{% include %} is not supported in chat templates (line 1)'],
    ["a\n{% import 'x' as y %}", '{% import %} is not supported in chat templates (line 2)'],
    ["{% from 'x' import y %}", '{% from %} is not supported'],
    ["{% extends 'x' %}", '{% extends %} is not supported'],
    ['{% autoescape true %}x{% endautoescape %}', '{% autoescape %} is not supported'],
    ['{% block b scoped %}{% endblock %}', '{% block %} takes a name only'],
    ['\n\n{{ x | nope }}', "there is no filter named 'nope' (line 3)"],
    ['{{ x is nope }}', "there is no test named 'nope' (line 1)"],
    ['{{ x | pprint }}', "the filter 'pprint' is not supported"],
    ['{% if x %}{{ x | random }}{% endif %}', "the filter 'random' is not supported"],
    ['{{ lipsum() }}', 'lipsum is not supported'],
    ['{% block a %}{% endblock %}{{ self.a() }}', 'self is not supported'],
    ['{% trans %}x{% endtrans %}', 'unknown tag {% trans %}'],
    ['{% if x %}{% nope %}{% endif %}', 'unknown tag {% nope %}; {% elif %} or {% else %} or {% endif %} is expected'],
    ['{% if x %}', 'the template ends before {% elif %} or {% else %} or {% endif %} (line 1)'],
    ['{{ x', 'a tag that begins with {{ does not end (line 1)'],
    ['{{ x ) }}', "unexpected ')' (line 1)"],
    ['{{ [x ) }}', "unexpected ')', expected ']' (line 1)"],
    ['{{ a b }}', "'}}' is expected, got 'b'"],
    ['{{ $ }}', 'unexpected char "$"'],
    ["{{ '\\N{BULLET}' }}", 'a string has the escape \\N, which is not whole or not supported'],
    ['{{ a[1:2, 3] }}', 'several slices in one index are not supported'],
    [`{{ ${'('.repeat(500)}1${')'.repeat(500)} }}`, 'nested deeper than'],
    [`${'{% if x %}'.repeat(500)}${'{% endif %}'.repeat(500)}`, 'nested deeper than'],
    [' '.repeat(300_000), 'the limit is 262144'],
  ])('%s', (source, fact) => {
    let error: unknown
    try {
      compileTemplate(source)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(ChatTemplateError)
    expect(error).not.toBeInstanceOf(ConversationError)
    expect((error as Error).message).toContain(fact)
  })
})

describe('while it runs, a template', () => {
  it('that refuses the conversation is told from one that fails', () => {
    expect(() => render("{{ raise_exception('roles must alternate') }}")).toThrow(
      new ConversationError('roles must alternate'),
    )
    expect(() => render('a\n{{ x.y }}')).toThrow(
      new ChatTemplateError("the chat template failed in line 2: UndefinedError: 'x' is undefined"),
    )
    expect(() => render('a\n\n{% set y = 1 + none %}')).toThrow(
      "the chat template failed in line 3: TypeError: unsupported operand type(s) for +: 'int' and 'NoneType'",
    )
    expect(() => render('{{ [].append(1) }}')).toThrow(
      "SecurityError: access to attribute 'append' of 'list' object is unsafe.",
    )
  })

  it.each([
    ['a loop in a loop', '{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}', 'steps'],
    [
      'text that doubles',
      "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
      'longer than',
    ],
    ['a repeated text', "{{ 'x' * 999999999999 }}", 'longer than'],
    ['much output', "{% set s = 'x' * 9999999 %}{% for i in range(99) %}{{ s }}{% endfor %}", 'longer than'],
    ['joined texts', "{% set s = 'x' * 9999999 %}{{ ([s] * 99) | join }}", 'longer than'],
    ['a replaced text', "{{ ('x' * 99999) | replace('x', 'y' * 99999) }}", 'longer than'],
    [
      'long work on long texts',
      "{% set s = 'x' * 60000000 %}{% for i in range(99999) %}{% set t = s ~ '' %}{% endfor %}",
      'steps',
    ],
    [
      'a search in long texts',
      "{% set s = 'x' * 60000000 %}{% for i in range(99999) %}{% if 'y' in s %}{% endif %}{% endfor %}",
      'steps',
    ],
    ['a repeated list', '{{ [1] * 999999999 }}', 'items'],
    [
      'a list that doubles',
      '{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}',
      'items',
    ],
    ['a padded text', "{{ 'x'.center(9999999999) }}", 'longer than'],
    ['a wide field', "{{ '%9999999999d' % 1 }}", 'width above'],
    ['a wide field of format', "{{ '{:>9999999999}'.format(1) }}", 'width above'],
    ['a large power', '{{ 10 ** 99999999 }}', 'a power is too large'],
    [
      'large powers',
      '{% set n = namespace(x=10) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}',
      'an integer has more than',
    ],
    ['a long range', '{{ range(100001) }}', 'Range too big'],
    ['a macro that calls itself', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', 'levels deep'],
    ['a loop that calls itself', '{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}', 'levels deep'],
    [
      'values inside of values',
      '{% set n = namespace(l=[]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}',
      'levels cannot be printed',
    ],
    [
      'the same as JSON',
      '{% set n = namespace(l=[]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l | tojson }}',
      'deeper than 900 levels',
    ],
    [
      'the same compared',
      '{% set n = namespace(l=[], m=[]) %}{% for i in range(99999) %}{% set n.l = [n.l] %}{% set n.m = [n.m] %}{% endfor %}{{ n.l == n.m }}',
      'nested too deep',
    ],
    ['a long chain of filters', `{{ x ${'| upper '.repeat(20_000)} }}`, 'nested too deep'],
    ['a long sum', `{{ 1 ${'+ 1 '.repeat(60_000)} }}`, 'nested too deep'],
  ])('is stopped by %s', (_, source, fact) => {
    expect(() => render(source)).toThrow(ChatTemplateError)
    expect(() => render(source)).toThrow(fact)
  })

  it('has room for long conversations', () => {
    const messages = Array.from({ length: 2000 }, (_, i) => ({
      role: i % 2 ? 'assistant' : 'user',
      content: 'x'.repeat(500),
    }))
    const source =
      "{% for m in messages %}{% if m.role == 'user' %}[{{ m.content | trim }}]{% else %}{{ m.content.strip() + '!' }}{% endif %}{{ messages[loop.index0:] | length }}{% endfor %}"
    expect(render(source, { messages }).length).toBeGreaterThan(1_000_000)
  })
})

describe('values of the caller', () => {
  it('are numbers, texts, lists and objects of any prototype; functions can be called', () => {
    const bare = Object.assign(Object.create(null), { x: [1n, 2.5, Number.NaN] })
    expect(render('{{ v.x }} {{ f(2) }} {{ u is defined }}', { v: bare, f: (x: number) => x * 2, u: undefined })).toBe(
      '[1, 2.5, nan] 4 False',
    )
    expect(
      render('{{ v }}', {
        v: new Map([
          ['10', 1],
          ['2', 2],
        ]),
      }),
    ).toBe("{'10': 1, '2': 2}")
    expect(
      render('{{ v.__proto__ is defined }}{{ v.constructor is defined }}{{ v.toString is defined }}', { v: {} }),
    ).toBe('FalseFalseFalse')
  })

  it('are the template’s own: it changes nothing outside, and one rendering knows nothing of the next', () => {
    const program = compileTemplate('{% set x = (x or 0) + 1 %}{{ x }}')
    expect([renderTemplate(program, {}), renderTemplate(program, {})]).toEqual(['1', '1'])
  })
})
