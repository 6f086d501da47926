import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

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

describe('begun texts', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function kept() {
    const saved: [string, string | null][] = [];
    const drafts = new Drafts((room, text) => {
      saved.push([room, text]);
      return Promise.resolve();
    });
    return { saved, drafts };
  }

  test('are kept when typing rests, and gone at once when they are sent', async () => {
    const { saved, drafts } = kept();
    for (const text of ['H', 'He', 'Hey']) drafts.write('one', text);
    expect(saved).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(saved).toEqual([['one', 'Hey']]);
    drafts.write('one', '');
    await vi.advanceTimersByTimeAsync(1);
    expect(saved).toEqual([
      ['one', 'Hey'],
      ['one', null],
    ]);
  });

  test('that nobody keeps are not asked for: unchanged ones and those of threads', async () => {
    const { saved, drafts } = kept();
    drafts.write('one', 'Hey');
    drafts.write('one', '');
    drafts.write('one/root', 'in a thread');
    await vi.advanceTimersByTimeAsync(1000);
    expect([saved, drafts.read('one/root')]).toEqual([[], 'in a thread']);
  });

  test('of another device are taken over unless something was begun here', async () => {
    const { drafts } = kept();
    expect(drafts.offer('one', 'from the phone')).toBe(true);
    expect(drafts.read('one')).toBe('from the phone');
    expect(drafts.offer('one', 'from the phone')).toBe(false);
    drafts.write('one', 'from the phone, and more');
    expect(drafts.offer('one', 'something else')).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(drafts.read('one')).toBe('from the phone, and more');
    // What this page kept comes back as nothing new.
    expect(drafts.offer('one', 'from the phone, and more')).toBe(false);
    // What was typed here is lost by nothing that is sent elsewhere, as in another tab.
    expect(drafts.offer('one', null)).toBe(false);
    expect(drafts.read('one')).toBe('from the phone, and more');
    drafts.write('one', '');
    expect(drafts.offer('one', 'from the phone again')).toBe(true);
    expect(drafts.offer('one', null)).toBe(true);
    expect(drafts.read('one')).toBe('');
  });

  test('that could not be kept stay on the page and are kept with what comes next', async () => {
    let fails = true;
    const saved: (string | null)[] = [];
    const drafts = new Drafts((_, text) => {
      if (fails) return Promise.reject(new Error('full'));
      saved.push(text);
      return Promise.resolve();
    });
    drafts.write('one', 'Hey');
    await vi.advanceTimersByTimeAsync(1000);
    expect(drafts.read('one')).toBe('Hey');
    fails = false;
    drafts.write('one', 'Hey');
    drafts.flush();
    await vi.advanceTimersByTimeAsync(1);
    expect(saved).toEqual(['Hey']);
  });
});
