import { describe, expect, test } from 'vitest';

import { linkify } from './linkify';

const links = (text: string) => linkify(text).flatMap((token) => (token.kind === 'link' ? [token.text] : []));
const joined = (text: string) =>
  linkify(text)
    .map((token) => token.text)
    .join('');

describe('links in a text', () => {
  test('web addresses become links, the rest stays text', () => {
    expect(linkify('see https://example.org/a?b=c#d now')).toEqual([
      { kind: 'text', text: 'see ' },
      { kind: 'link', text: 'https://example.org/a?b=c#d', href: 'https://example.org/a?b=c#d' },
      { kind: 'text', text: ' now' },
    ]);
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd',
    'ftp://example.org',
    'vbscript:x',
    'jav\u0000ascript:alert(1)',
    'https://',
    'https:///path',
  ])('%s is no link', (text) => {
    expect(links(text)).toEqual([]);
  });

  test('an address that shows one host and leads to another is no link', () => {
    expect(links('https://bank.example@evil.example/')).toEqual([]);
  });

  test('the end of a sentence does not belong to the address', () => {
    expect(links('Look at https://example.org/a. Or (https://example.org/b)!')).toEqual([
      'https://example.org/a',
      'https://example.org/b',
    ]);
  });

  test('brackets inside an address stay', () => {
    expect(links('https://example.org/wiki/Fog_(weather)')).toEqual([
      'https://example.org/wiki/Fog_(weather)',
    ]);
  });

  test('markup is nothing but text', () => {
    expect(linkify('<img src=x onerror=alert(1)>')).toEqual([
      { kind: 'text', text: '<img src=x onerror=alert(1)>' },
    ]);
    expect(links('<a href="https://example.org/">x</a>')).toEqual(['https://example.org/']);
  });

  test.each([
    '',
    'plain',
    'https://a.example https://b.example',
    'x https://a.example.\n\nhttps://b.example)))',
    'https://bank.example@evil.example/ 👩‍👩‍👧 https://xn--bcher-kva.example/ü',
    'https://'.repeat(50),
  ])('the pieces of %j give the text again', (text) => {
    expect(joined(text)).toBe(text);
  });

  test('a long text of brackets is cut quickly', () => {
    const text = `https://example.org/${'('.repeat(8000)}${')'.repeat(8000)}`;
    const before = performance.now();
    expect(joined(text)).toBe(text);
    expect(performance.now() - before).toBeLessThan(500);
  });
});
