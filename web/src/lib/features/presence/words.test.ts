import { expect, test } from 'vitest';

import { ownState, presenceWords, typingWords } from './words';

const NOW = new Date(2026, 10, 3, 19, 0).getTime();
const gone = (rest: object) => ({
  account: 'a',
  state: 'offline' as const,
  seen_at: null,
  seen_within: null,
  ...rest,
});

test('who is there is said in a word, and who is not as far as they tell it', () => {
  expect(presenceWords({ ...gone({}), state: 'do_not_disturb' }, NOW)).toBe('Do not disturb');
  expect(presenceWords(gone({ seen_at: NOW - 60_000 }), NOW)).toMatch(/^Last seen today 6:59\sPM$/u);
  expect(presenceWords(gone({ seen_within: 'week' }), NOW)).toBe('Seen within a week');
  expect(presenceWords(gone({}), NOW)).toBeNull();
  expect(presenceWords(null, NOW)).toBeNull();
});

test('one, two and many people who type are named as people would', () => {
  expect(typingWords([])).toBeNull();
  expect(typingWords(['Ana'])).toBe('Ana is typing');
  expect(typingWords(['Ana', 'Ben'])).toBe('Ana and Ben are typing');
  expect(typingWords(['Ana', 'Ben', 'Eva'])).toBe('Ana, Ben and one other are typing');
  expect(typingWords(['Ana', 'Ben', 'Eva', 'Mia'])).toBe('Ana, Ben and 2 others are typing');
});

test('how one is seen follows what one chose, and then whether one is there', () => {
  const own = (availability: 'automatic' | 'do_not_disturb' | 'invisible') =>
    ({ availability, last_seen: 'contacts', receipts: true, typing: true }) as const;
  expect(ownState(null, false)).toBe('online');
  expect(ownState(own('automatic'), true)).toBe('idle');
  expect(ownState(own('do_not_disturb'), true)).toBe('do_not_disturb');
  expect(ownState(own('invisible'), false)).toBe('offline');
});
