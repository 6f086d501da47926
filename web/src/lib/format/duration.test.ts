import { expect, test } from 'vitest';

import { durationWords, timeLeft, timerWords } from './duration';

test('a span is said in the largest unit that fits', () => {
  expect([30, 60, 300, 3600, 86_400, 604_800, 2_419_200, 5400].map(durationWords)).toEqual([
    '30 seconds',
    '1 minute',
    '5 minutes',
    '1 hour',
    '1 day',
    '1 week',
    '4 weeks',
    '90 minutes',
  ]);
});

test('what is left is short, and never less than nothing', () => {
  const now = 1_000_000;
  const left = (seconds: number) => timeLeft(now + seconds * 1000, now);
  expect([200_000, 7300, 90, 20, 0, -5].map(left)).toEqual(['2 d', '2 h', '1 min', '1 min', 'now', 'now']);
});

test('no timer is off', () => expect(timerWords(0)).toBe('Off'));
