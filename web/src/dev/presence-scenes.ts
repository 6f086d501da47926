import { href } from '../lib/platform/route';
import type { ChoicesView, PresenceView } from '../lib/protocol/generated';
import { type FakeCore, refuse } from './fake-core';
import { type Actions, home, type Scene } from './scenes';

/** Everybody of whom something is known, each in another way. */
function withPeople(own: Partial<ChoicesView> = {}): FakeCore {
  const core = home({ unread: 2 });
  const person = (username: string, state: PresenceView['state'], rest: Partial<PresenceView> = {}) => ({
    account: `account-${username}`,
    state,
    seen_at: null,
    seen_within: null,
    ...rest,
  });
  core.signals = {
    own: { ...core.signals.own, ...own },
    people: [
      person('mia', 'online'),
      person('noor', 'idle'),
      person('paul', 'do_not_disturb'),
      person('eva_lindqvist', 'offline', { seen_at: core.now() - 26 * 60_000 }),
      person('samir.hadid', 'offline', { seen_within: 'week' }),
    ],
    typing: [],
  };
  return core;
}

function typing(room: string, names: string[]): FakeCore {
  const core = withPeople();
  core.signals.typing = [
    { room, people: names.map((username) => ({ account: `account-${username}`, username })) },
  ];
  return core;
}

function inAGroup(): FakeCore {
  const core = typing('room-Second boat', ['mia', 'anneliese.von-hohenfels', 'paul', 'noor']);
  core.place('group', 'Second boat', { members: 5 });
  core.members.set('place-Second boat', []);
  const chat = core.chats.find((row) => row.room === 'room-Second boat');
  if (chat)
    core.put(chat, { text: 'Who has the key to the shed?', author: 'account-mia', sent_at: core.now() });
  return core;
}

/** The choices stand far down the settings. */
async function show(act: Actions) {
  document.querySelector('[role=switch]')?.scrollIntoView({ block: 'center' });
  await act.wait(150);
}

const MIA = href.chat('room-mia');

/** Who is there, who writes, and what is chosen about both. */
export const PRESENCE_SCENES: Record<string, Scene> = {
  'presence-list': { hash: href.chats, core: () => withPeople() },
  'presence-typing': { hash: MIA, core: () => typing('room-mia', ['mia']) },
  'presence-idle': { hash: href.chat('room-noor'), core: () => withPeople() },
  'presence-quiet': { hash: href.chat('room-paul'), core: () => withPeople() },
  'presence-last-seen': { hash: href.chat('room-eva_lindqvist'), core: () => withPeople() },
  'presence-last-seen-about': { hash: href.chat('room-samir.hadid'), core: () => withPeople() },
  'presence-typing-many': { hash: href.chat('room-Second boat'), core: inAGroup },
  'presence-menu': {
    hash: href.chats,
    core: () => withPeople(),
    then: ({ press }) => press('Your status: Online'),
  },
  'presence-invisible': {
    hash: href.chats,
    core: () => withPeople({ availability: 'invisible' }),
    then: ({ press }) => press('Your status: Invisible'),
  },
  'presence-privacy': {
    hash: href.settings,
    core: () => withPeople({ last_seen: 'approximate', receipts: false }),
    then: show,
  },
  'presence-privacy-refused': {
    hash: href.settings,
    core: () => withPeople(),
    then: async (act, core) => {
      core.faults.set(
        'askAccount',
        refuse('unreachable', 'The server cannot be reached. Nothing was changed.'),
      );
      document.querySelector<HTMLElement>('[role=switch]')?.click();
      await show(act);
    },
  },
};
