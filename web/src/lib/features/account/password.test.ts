import { describe, expect, test } from 'vitest';

import { passwordHint } from './password';

describe('what is said about a password', () => {
  test('it counts what is missing up to eight characters', () => {
    expect(passwordHint('abc', 'mia')).toMatchObject({ level: 'short', text: '5 more characters.' });
    expect(passwordHint('abcdef!', 'mia').text).toBe('One more character.');
  });

  test('characters are counted as people count them', () => {
    expect(passwordHint('🦊🦊🦊🦊', 'mia').level).toBe('short');
  });

  test.each(['aaaaaaaa', '12345678', 'qwertyuiop', '87654321', 'password1', 'Passwort123!', 'jonas123'])(
    '%s is easy to guess',
    (password) => {
      expect(passwordHint(password, 'jonas').level).toBe('weak');
    },
  );

  test.each(['four boats', 'x7#kkP2m'])('%s is good, and longer is better', (password) => {
    expect(passwordHint(password, 'jonas')).toMatchObject({ level: 'fair', steps: 2 });
  });

  test('a few unrelated words are strong', () => {
    expect(passwordHint('four boats in the fog', 'jonas').level).toBe('strong');
  });
});
