import { expect, test } from 'vitest';

import { FakeCore } from '../../../dev/fake-core';
import { isTold, quietOf, shownOf } from './told';

function scene() {
  const core = new FakeCore().signedIn('jonas');
  const chat = core.chat('mia');
  const message = core.put(chat, { text: 'Hello\nthere', author: 'account-mia' });
  return { chat, message };
}

test('everything is told, of a chat of mentions only those, of a muted one nothing', () => {
  const { chat, message } = scene();
  const mention = { ...message, mentions_me: true };
  expect(isTold(chat, message)).toBe(true);
  const mentions = { ...chat, level: 'mentions' as const };
  expect([isTold(mentions, message), isTold(mentions, mention)]).toEqual([false, true]);
  for (const quiet of [
    { ...chat, level: 'nothing' as const },
    { ...chat, muted_until: 1 },
    { ...chat, blocked: true },
    { ...chat, request: true },
  ])
    expect(isTold(quiet, mention)).toBe(false);
  expect(isTold(chat, { ...message, mine: true })).toBe(false);
});

test('without names nothing of a message leaves the app', () => {
  const { chat, message } = scene();
  expect(shownOf(chat, message, 'mia', true)).toMatchObject({ title: 'mia', body: 'Hello there' });
  const group = { ...chat, kind: 'group' as const, title: 'Boat' };
  expect(shownOf(group, message, 'mia', true)).toMatchObject({ title: 'Boat', body: 'mia: Hello there' });
  expect(JSON.stringify(shownOf(chat, message, 'mia', false))).not.toMatch(/Hello|"mia"/);
});

test('what the server has to know changes with levels, mutes and blocks, and with nothing else', () => {
  const { chat } = scene();
  const before = quietOf([chat], []);
  expect(quietOf([{ ...chat, unread: 5, favourite: true }], [])).toBe(before);
  const others = [
    quietOf([{ ...chat, level: 'mentions' }], []),
    quietOf([{ ...chat, muted_until: 7 }], []),
    quietOf([chat], ['account-mia']),
  ];
  expect(new Set([before, ...others]).size).toBe(4);
});
