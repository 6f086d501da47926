import { describe, expect, test } from 'vitest';

import { FakeCore } from '../../../dev/fake-core';
import type { Device } from '../device';
import { changeOf, chatItems, muteChange, MUTED_FOREVER, personChangeOf } from './chat-menu';
import { Chats } from './chats.svelte';

function listed() {
  const core = new FakeCore().signedIn('jonas');
  for (const [at, name] of ['mia', 'noor', 'paul', 'eva'].entries())
    core.put(core.chat(name), { text: 'Hello', sent_at: 1000 * (at + 1) });
  const chats = new Chats({ core, listen: core.listen.bind(core) } as unknown as Device);
  const names = () => chats.rows?.map((chat) => chat.title);
  return { core, chats, names };
}

describe('the list of chats', () => {
  test('has favourites above and the archive below, each the newest first', async () => {
    const { chats, names } = listed();
    await chats.refresh();
    expect(names()).toEqual(['eva', 'paul', 'noor', 'mia']);
    await chats.set('room-mia', { favourite: true });
    await chats.set('room-noor', { favourite: true });
    await chats.set('room-eva', { archived: true });
    expect(names()).toEqual(['noor', 'mia', 'paul', 'eva']);
  });

  test('does not count what is muted', async () => {
    const { core, chats } = listed();
    for (const chat of core.chats) chat.unread = 2;
    await chats.refresh();
    expect(chats.unread).toBe(8);
    await chats.set('room-mia', { muted_until: MUTED_FOREVER });
    expect(chats.unread).toBe(6);
  });

  test('keeps requests apart and counts nothing in them', async () => {
    const { core, chats } = listed();
    Object.assign(core.chats[0] ?? {}, { request: true, unread: 5 });
    await chats.refresh();
    expect(chats.requests.map((chat) => chat.title)).toEqual(['mia']);
    expect(chats.known.map((chat) => chat.title)).toEqual(['eva', 'paul', 'noor']);
    expect(chats.unread).toBe(0);
    expect(chats.neighbour('room-noor', 1)).toBeNull();
  });

  test('a chat that was read is neither unread nor marked so', async () => {
    const { core, chats } = listed();
    Object.assign(core.chats[0] ?? {}, { unread: 3, marked_unread: true });
    await chats.refresh();
    const mia = chats.find('room-mia');
    if (mia) await chats.markRead(mia);
    expect([chats.find('room-mia')?.unread, chats.find('room-mia')?.marked_unread]).toEqual([0, false]);
  });
});

describe('the menu of a chat', () => {
  test('offers what is not so yet', async () => {
    const { core } = listed();
    const chat = (await core.listChats())[0];
    if (!chat) throw new Error('there is one');
    const ids = (changed: object) => chatItems({ ...chat, ...changed }).map((item) => item.label);
    expect(ids({})).toEqual(['Add to favourites', 'Mark as unread', 'Mute…', 'Archive', 'Block']);
    expect(ids({ favourite: true, unread: 1, muted_until: 1, archived: true })).toEqual([
      'Remove from favourites',
      'Mark as read',
      'Unmute',
      'Take out of the archive',
      'Block',
    ]);
    expect(ids({ blocked: true })).toContain('Unblock');
    expect(ids({ saved: true })).not.toContain('Block');
    expect(ids({ request: true })).toEqual(['Accept', 'Delete', 'Block']);
    expect(personChangeOf('block')).toEqual({ blocked: true });
    expect(personChangeOf('archive')).toBeNull();
    expect(changeOf({ ...chat, archived: true }, 'archive')).toEqual({ archived: false });
    expect(changeOf(chat, 'mute')).toBeNull();
  });

  test('mutes for a while or for good', () => {
    expect(muteChange('hour', 1000)).toEqual({ muted_until: 3_601_000 });
    expect(muteChange('forever', 1000)).toEqual({ muted_until: MUTED_FOREVER });
  });
});
