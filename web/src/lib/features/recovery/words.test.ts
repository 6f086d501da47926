import { expect, test } from 'vitest';

import { FakeCore } from '../../../dev/fake-core';
import { RecoveryKey } from './recovery.svelte';
import { plainWords, unknownText } from './words';

test('words are read as people write them: numbered, in lines, with commas, in capitals', () => {
  expect(plainWords(' 1. Abandon 2) ability\n3: ABLE,about;\t')).toEqual([
    'abandon',
    'ability',
    'able',
    'about',
  ]);
  expect(plainWords(' 12. ')).toEqual([]);
});

test('unknown words are told by their places, and nothing is suggested', () => {
  expect(unknownText([])).toBeNull();
  expect(unknownText([2])).toBe('Word 3 is in no recovery key. Check its spelling.');
  expect(unknownText([0, 4, 23])).toBe('Words 1, 5 and 24 are in no recovery key. Check their spelling.');
});

async function asked(picks: number[]): Promise<RecoveryKey> {
  const key = new RecoveryKey(new FakeCore(), () => picks.shift() ?? 0);
  await key.show();
  key.ask();
  return key;
}

test('two different words are asked back, in their order', async () => {
  expect((await asked([7, 7])).asked).toEqual([7, 8]);
  expect((await asked([23, 0])).asked).toEqual([0, 23]);
});

test('a wrong answer is told at its word, and right ones pass in any case', async () => {
  const key = await asked([1, 3]);
  key.answers = [' Ability ', 'wrong'];
  expect(key.check()).toBe(false);
  expect(key.wrong).toEqual([4]);
  key.answers[1] = 'ABOVE';
  expect(key.check()).toBe(true);
});

test('nothing typed is not right', async () => {
  expect((await asked([1, 3])).check()).toBe(false);
});
