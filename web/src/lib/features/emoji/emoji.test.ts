import { expect, test } from 'vitest';

import { findEmoji, GROUPS } from './emoji';
import { OFTEN } from './quick';

test('every group has emoji, and none stands twice', () => {
  expect(GROUPS.map((group) => group.emoji.length).every((count) => count > 50)).toBe(true);
  const all = GROUPS.flatMap((group) => group.emoji.map((one) => one.emoji));
  expect(new Set(all).size).toBe(all.length);
});

test('the emoji that are offered first are the very ones of the list', () => {
  const all = new Set(GROUPS.flatMap((group) => group.emoji.map((one) => one.emoji)));
  expect(OFTEN.filter((emoji) => !all.has(emoji))).toEqual([]);
});

test('an emoji is found by its name, then by other words', () => {
  expect(findEmoji('red heart')[0]?.emoji).toBe('❤️');
  expect(findEmoji('lol').map((one) => one.emoji)).toContain('😄');
  const names = findEmoji('boat').map((one) => one.name);
  expect(names.findIndex((name) => !name.includes('boat'))).not.toBe(0);
});

test('what no emoji is called finds none, and nothing typed finds none', () => {
  expect(findEmoji('qqqq')).toEqual([]);
  expect(findEmoji('  ')).toEqual([]);
});
