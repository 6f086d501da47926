import { expect, test } from 'vitest';

import { reactedBy } from './spoken';

function given(mine: boolean, count: number, ...names: string[]) {
  const people = names.map((username) => ({ account: `account-${username}`, username }));
  return reactedBy({ emoji: '👍', count, mine, people }, 'account-jonas');
}

test('who reacted is named, the own account first and once', () => {
  expect(given(false, 1, 'mia')).toBe('mia');
  expect(given(true, 1, 'jonas')).toBe('you');
  expect(given(true, 2, 'mia', 'jonas')).toBe('you and mia');
  expect(given(false, 3, 'mia', 'paul', 'noor')).toBe('mia, paul and noor');
});

test('those who are not named are counted', () => {
  expect(given(true, 30, 'jonas', 'mia')).toBe('you, mia and 28 more');
});
