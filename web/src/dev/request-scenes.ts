import { href } from '../lib/platform/route';
import type { ChatView } from '../lib/protocol/generated';
import { type FakeCore, refuse } from './fake-core';
import { home, type Scene } from './scenes';

const DAY = 24 * 60 * 60 * 1000;
const STRANGER = href.chat('room-lena.k');

/** Two strangers have written. */
function withRequests(): FakeCore {
  const core = home({ unread: 2 });
  const now = core.now();
  const stranger = (name: string, texts: string[], before: number) => {
    const chat = core.chat(name, texts.length);
    Object.assign(chat, { request: true } satisfies Partial<ChatView>);
    texts.forEach((text, at) => core.put(chat, { text, sent_at: now - before + at * 1000 }));
  };
  stranger(
    'lena.k',
    [
      'Hello! Noor gave me your name: you are the one with the second boat?',
      'This is where we want to go: https://example.org/maps/outer-islands',
    ],
    DAY,
  );
  stranger('best-offers', ['CONGRATULATIONS you were chosen'], 2 * DAY);
  return core;
}

function withBlocked(): FakeCore {
  const core = withRequests();
  core.contacts = [
    { account: 'account-mia', username: 'mia', nickname: null, blocked: true },
    { account: 'account-spam', username: 'best-offers', nickname: null, blocked: true },
    { account: 'account-otto', username: 'otto.h', nickname: 'Otto from the old flat', blocked: true },
  ];
  Object.assign(core.chats.find((chat) => chat.room === 'room-mia') ?? {}, { blocked: true });
  return core;
}

/** A group with somebody in it who is blocked. */
function withNoise(): FakeCore {
  const core = home();
  core.person('eve');
  core.place('group', 'Second boat', { members: 4 });
  const chat = core.chats.find((row) => row.room === 'room-Second boat');
  if (!chat) throw new Error('The scene has no group.');
  const said = (who: string, text: string, blocked = false) =>
    core.put(chat, { text, author: `account-${who}`, blocked, sent_at: core.now() - 9 * 60_000 });
  core.members.set('place-Second boat', []);
  said('mia', 'Who has the key to the shed?');
  said('eve', 'Not this again', true);
  said('eve', 'Really', true);
  said('paul', 'Second hook, left of the door.');
  return core;
}

function refusing(): FakeCore {
  const core = withRequests();
  core.faults.set(
    'setPerson',
    refuse(
      'storage',
      'This device could not store that; nothing was sent. Make room on the disk and try again.',
    ),
  );
  return core;
}

/** Requests of strangers, people who are blocked, and names of one's own. */
export const REQUEST_SCENES: Record<string, Scene> = {
  'requests-folded': { hash: href.chats, core: withRequests },
  'requests-open': { hash: href.chats, core: withRequests, then: (act) => act.press('Requests2') },
  request: { hash: STRANGER, core: withRequests },
  'request-refused': { hash: STRANGER, core: refusing, then: (act) => act.press('Accept') },
  'request-offline': {
    hash: STRANGER,
    core: () => {
      const core = withRequests();
      core.connectionState = 'offline';
      return core;
    },
  },
  'blocked-chat': { hash: href.chat('room-mia'), core: withBlocked },
  'blocked-list': {
    hash: href.settings,
    core: withBlocked,
    then: async (act) => {
      document.querySelector('[aria-label="Blocked people"]')?.scrollIntoView({ block: 'center' });
      await act.wait(100);
    },
  },
  'blocked-loading': {
    hash: href.settings,
    core: () => {
      const core = withBlocked();
      core.faults.set('listContacts', 'never');
      return core;
    },
    then: async (act) => {
      await act.wait(600);
      document.querySelector('[aria-label="Loading blocked people"]')?.scrollIntoView({ block: 'center' });
    },
  },
  'blocked-failed': {
    hash: href.settings,
    core: () => {
      const core = withBlocked();
      core.faults.set(
        'listContacts',
        refuse('storage', 'This device could not read its data. Reload the page.'),
      );
      return core;
    },
    then: async (act) => {
      await act.wait(100);
      [...document.querySelectorAll('h3')]
        .find((heading) => heading.textContent === 'Blocked people')
        ?.scrollIntoView({ block: 'center' });
    },
  },
  'blocked-in-group': { hash: href.chat('room-Second boat'), core: withNoise },
  nickname: {
    hash: href.chat('room-mia'),
    core: () => home(),
    then: async (act) => {
      await act.press('About this chat');
      await act.type('Your name for mia', 'Mia at the pier');
    },
  },
};
