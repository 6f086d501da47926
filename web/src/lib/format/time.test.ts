import { describe, expect, test } from 'vitest';

import { dayName, sameDay, shortTime, spokenTime } from './time';

const at = (text: string) => new Date(text).getTime();
const NOW = at('2026-11-21T18:53:00');
const plain = (text: string) => text.replace(/\u202f/g, ' ');

describe('times', () => {
  test('a message of today is told by the clock', () => {
    expect(plain(shortTime(at('2026-11-21T06:05:00'), NOW))).toBe('6:05 AM');
    expect(plain(spokenTime(at('2026-11-21T18:53:00'), NOW))).toBe('today 6:53 PM');
  });

  test('a message of last night is told as yesterday, however few hours ago', () => {
    const now = at('2026-11-21T00:30:00');
    expect(shortTime(at('2026-11-20T23:50:00'), now)).toBe('Yesterday');
    expect(plain(spokenTime(at('2026-11-20T23:50:00'), now))).toBe('yesterday 11:50 PM');
  });

  test('a week is told by weekdays, a year without its number', () => {
    expect(dayName(at('2026-11-17T12:00:00'), NOW)).toBe('Tuesday');
    expect(shortTime(at('2026-11-17T12:00:00'), NOW)).toBe('Tue');
    expect(dayName(at('2026-11-03T12:00:00'), NOW)).toBe('Tuesday, November 3');
    expect(dayName(at('2025-11-03T12:00:00'), NOW)).toBe('November 3, 2025');
  });

  test('days are counted by the calendar when the clock is changed', () => {
    expect(sameDay(at('2026-10-25T00:10:00'), at('2026-10-25T23:50:00'))).toBe(true);
    expect(dayName(at('2026-10-24T12:00:00'), at('2026-10-26T12:00:00'))).toBe('Saturday');
  });

  test('a clock that runs ahead never tells of tomorrow in the list', () => {
    expect(plain(shortTime(at('2026-11-22T00:10:00'), NOW))).toBe('12:10 AM');
  });
});
