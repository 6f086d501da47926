import { expect, test } from 'vitest';

import { FakeCore, refuse } from '../../../dev/fake-core';
import { Device } from '../device';
import { HistoryWays } from './history-ways.svelte';
import { isStrong, strengthOf } from './strength';

const STRONG = 'vier ruhige Otter im Nebel';

async function opened(asksForWords = false) {
  const core = new FakeCore().signedIn('jonas');
  core.ways = { ...core.ways, asks_for_words: asksForWords };
  const device = new Device(() => Promise.resolve(core));
  await device.start();
  const ways = new HistoryWays(device);
  await ways.refresh();
  return { core, ways };
}

const asked = (core: FakeCore) =>
  core.calls.filter(([goal]) => goal === 'setHistoryPassword').map(([, ...given]) => given);

test('what is common, patterned or the own name is too weak to open the history, and unrelated words are not', async () => {
  for (const weak of ['password123', 'sunshine1990', 'noa.berger noa.berger', 'qwertyuiop12'])
    expect(await isStrong(weak, 'noa.berger'), weak).toBe(false);
  expect((await strengthOf('password123', 'jonas')).advice).toContain('unrelated words');
  expect(await strengthOf(STRONG, 'jonas')).toEqual({ strong: true, advice: '' });
});

test('a weak password is refused at its field before the engine hears of it', async () => {
  const { core, ways } = await opened();
  ways.password = 'password123';
  expect(await ways.switchOn()).toBe(false);
  expect(ways.passwordProblem).toContain('not strong enough');
  expect(core.ways.password).toBe(false);
  ways.password = 'password1234';
  expect(ways.passwordProblem).toBeNull();
});

test('a strong password opens the history until it is made strict, and is forgotten here at once', async () => {
  const { core, ways } = await opened();
  ways.password = STRONG;
  expect(await ways.switchOn()).toBe(true);
  expect(ways.view?.password).toBe(true);
  expect(ways.password).toBe('');
  expect(asked(core)).toEqual([[STRONG, null]]);
  expect(await ways.switchOff()).toBe(true);
  expect(ways.view?.password).toBe(false);
});

test('a device without the recovery key hands its words on, and a refusal of them stands at their field', async () => {
  const { core, ways } = await opened(true);
  core.faults.set(
    'setHistoryPassword',
    refuse('words_invalid', 'These are not the words of a recovery key.'),
  );
  ways.words = 'abandon ability';
  expect(await ways.switchOff()).toBe(false);
  expect(ways.wordsProblem).toContain('not the words');
  expect(asked(core)).toEqual([[null, 'abandon ability']]);
  ways.words = 'abandon able';
  expect(ways.wordsProblem).toBeNull();
});
