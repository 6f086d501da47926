import { describe, expect, test } from 'vitest';

import { parseMarkdown, safeHref } from './markdown';
import { hasMarks, type Inline, plainBlocks, wordsOf } from './marked';

const paragraph = (...inlines: Inline[]) => [{ kind: 'paragraph', inlines }];
const text = (words: string): Inline => ({ kind: 'text', text: words });

describe('marks in a text', () => {
  test('bold, italic, struck, code and hidden', () => {
    expect(parseMarkdown('**a** *b* ~~c~~ `d` ||e||')).toEqual(
      paragraph(
        { kind: 'strong', inlines: [text('a')] },
        text(' '),
        { kind: 'em', inlines: [text('b')] },
        text(' '),
        { kind: 'strike', inlines: [text('c')] },
        text(' '),
        { kind: 'code', text: 'd' },
        text(' '),
        { kind: 'spoiler', inlines: [text('e')] },
      ),
    );
  });

  test('marks nest, also in what is hidden', () => {
    expect(parseMarkdown('||it was **him**||')).toEqual(
      paragraph({ kind: 'spoiler', inlines: [text('it was '), { kind: 'strong', inlines: [text('him')] }] }),
    );
  });

  test('a new line is a new line', () => {
    expect(parseMarkdown('a\nb')).toEqual(paragraph(text('a'), { kind: 'break' }, text('b')));
  });

  test('quotes, lists and fenced code', () => {
    expect(parseMarkdown('> said')).toEqual([{ kind: 'quote', blocks: paragraph(text('said')) }]);
    expect(parseMarkdown('- one\n- two')).toEqual([
      { kind: 'list', start: null, items: [paragraph(text('one')), paragraph(text('two'))] },
    ]);
    expect(parseMarkdown('3. three')).toEqual([
      { kind: 'list', start: 3, items: [paragraph(text('three'))] },
    ]);
    expect(parseMarkdown('```rust\nlet a = "<b>";\n```')).toEqual([
      { kind: 'code', language: 'rust', text: 'let a = "<b>";' },
    ]);
  });

  test('a number sign, a rule, a table and an indent stay what was typed', () => {
    for (const typed of ['# no title', '---', '    indented', '| a | b |', 'a\n==='])
      expect(wordsOf(parseMarkdown(typed)).replace(/\s/gu, '')).toBe(typed.replace(/\s/gu, ''));
  });

  test('markup stays text', () => {
    expect(wordsOf(parseMarkdown('<img src=x onerror=alert(1)> &amp; <b>'))).toBe(
      '<img src=x onerror=alert(1)> &amp; <b>',
    );
  });

  test('an underscore within a word is one', () => {
    expect(parseMarkdown('snake_case_name')).toEqual(paragraph(text('snake_case_name')));
  });

  test('a lonely bar is a bar', () => {
    expect(parseMarkdown('a || b')).toEqual(paragraph(text('a || b')));
    expect(parseMarkdown('|| ||')).toEqual(paragraph(text('|| ||')));
  });
});

describe('links', () => {
  const link = (href: string, words: string, masked = false): Inline => ({
    kind: 'link',
    href,
    masked,
    inlines: [text(words)],
  });

  test('addresses become links, whatever marks are in them', () => {
    expect(parseMarkdown('see https://x.org/_a_b_ *now*')).toEqual(
      paragraph(text('see '), link('https://x.org/_a_b_', 'https://x.org/_a_b_'), text(' '), {
        kind: 'em',
        inlines: [text('now')],
      }),
    );
  });

  test('words in front of an address are marked as such', () => {
    expect(parseMarkdown('[my bank](https://evil.example/)')).toEqual(
      paragraph(link('https://evil.example/', 'my bank', true)),
    );
  });

  test('a mail address is one', () => {
    expect(parseMarkdown('mia@example.org')).toEqual(
      paragraph(link('mailto:mia@example.org', 'mia@example.org')),
    );
  });

  test.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc', 'vbscript:x'])(
    '%s is opened by nobody',
    (href) => {
      expect(safeHref(href)).toBeNull();
      const parsed = JSON.stringify(parseMarkdown(`[press](${href}) <${href}> ${href}`));
      expect(parsed).not.toContain('"kind":"link"');
    },
  );

  test('an address that shows one host leads to no other', () => {
    const href = 'https://bank.com@evil.com/';
    expect(safeHref(href)).toBeNull();
    const parsed = JSON.stringify(parseMarkdown(`[press](${href}) <${href}> ${href}`));
    expect(parsed).not.toContain('"href":"https://evil.com');
    expect(parsed).not.toContain('"href":"https://bank.com@');
  });
});

describe('bad input', () => {
  test.each([
    '>'.repeat(3000),
    '['.repeat(3000),
    '*'.repeat(3000),
    '||'.repeat(3000),
    '`'.repeat(3000),
    '- '.repeat(500),
    '[a]('.repeat(1000),
  ])('%.12s… has a result, and soon', (typed) => {
    const before = performance.now();
    expect(parseMarkdown(typed)).toBeInstanceOf(Array);
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

describe('without a parser', () => {
  test('most texts have no marks', () => {
    expect(hasMarks('See you at the pier. Really, 6:40!')).toBe(false);
    expect(hasMarks('https://example.org/boats?from=pier')).toBe(false);
  });

  test.each(['**a**', '_a_', '`a`', '||a||', '> a', '- a', '1. a', '[a](b)', 'a@b.c', '@mia'])(
    '%s may have some',
    (typed) => expect(hasMarks(typed)).toBe(true),
  );

  test('spaces and links stay', () => {
    expect(plainBlocks('a  b https://example.org/')).toEqual(
      paragraph(text('a  b '), {
        kind: 'link',
        href: 'https://example.org/',
        masked: false,
        inlines: [text('https://example.org/')],
      }),
    );
  });
});
