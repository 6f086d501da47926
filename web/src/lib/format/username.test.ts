import { describe, expect, test } from 'vitest';

import { normalizeUsername, usernameFits, usernameProblem } from './username';

describe('the rule for names', () => {
  test.each(['mia', 'm1', 'mia.keller', 'mia-keller_2', 'a'.repeat(32)])('%s fits', (name) => {
    expect(usernameFits(name)).toBe(true);
    expect(usernameProblem(name)).toBeNull();
  });

  test('an @, capitals and spaces around a name are forgiven', () => {
    expect(normalizeUsername('  @Mia ')).toBe('mia');
    expect(usernameFits(' @Mia ')).toBe(true);
  });

  test.each([
    ['1mia', 'begins with a letter'],
    ['.mia', 'begins with a letter'],
    ['mia keller', 'Letters from a to z'],
    ['mía', 'Letters from a to z'],
    ['m', 'One more character'],
    ['a'.repeat(33), '32 characters at most'],
  ])('%s does not fit, and words say why', (name, words) => {
    expect(usernameFits(name)).toBe(false);
    expect(usernameProblem(name)).toContain(words);
  });

  test('an empty field is no mistake yet', () => {
    expect(usernameProblem('')).toBeNull();
    expect(usernameFits('')).toBe(false);
  });
});
