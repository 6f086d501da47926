import { describe, expect, test } from 'vitest';

import { bytesLeft, composerKey, Drafts, TEXT_MAX } from './composer';

const press = (rest: Partial<KeyboardEvent> = {}) => ({
  key: 'Enter',
  shiftKey: false,
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  isComposing: false,
  ...rest,
});

describe('keys in the composer', () => {
  test('Enter sends', () => {
    expect(composerKey(press(), false)).toBe('send');
  });

  test('Shift and Enter make a new line', () => {
    expect(composerKey(press({ shiftKey: true }), false)).toBe('newline');
  });

  test('Enter chooses a word while an input method composes it', () => {
    expect(composerKey(press({ isComposing: true }), false)).toBe('none');
  });

  test('on a screen keyboard Enter makes a new line, and Ctrl Enter still sends', () => {
    expect(composerKey(press(), true)).toBe('newline');
    expect(composerKey(press({ ctrlKey: true }), true)).toBe('send');
  });

  test('other keys do nothing of the kind', () => {
    expect(composerKey(press({ key: 'a' }), false)).toBe('none');
  });
});

describe('the length of a text', () => {
  test('it is told only near its end', () => {
    expect(bytesLeft('Hello')).toBeNull();
    expect(bytesLeft('a'.repeat(TEXT_MAX - 100))).toBe(100);
    expect(bytesLeft('a'.repeat(TEXT_MAX + 1))).toBe(-1);
  });

  test('it is counted in bytes, as the server does', () => {
    expect(bytesLeft('🦊'.repeat(TEXT_MAX / 4))).toBe(0);
  });
});

test('each room keeps its own begun text', () => {
  const drafts = new Drafts();
  drafts.write('one', 'Hello');
  expect([drafts.read('one'), drafts.read('two')]).toEqual(['Hello', '']);
  drafts.clear();
  expect(drafts.read('one')).toBe('');
});
