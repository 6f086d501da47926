import type { CoreEvent } from '../lib/engine/core';
import { href } from '../lib/platform/route';
import type { ChatView, Failure, StandingView } from '../lib/protocol/generated';
import { FakeCore, failure, refuse } from './fake-core';
import type { FakeWaking } from './fake-waking';

/** A screen in a state: where it is, what the engine holds, and what somebody does there. */
export interface Scene {
  hash: string;
  core: () => FakeCore;
  /** What the browser has for waking people. */
  waking?: FakeWaking;
  /** What a person does after it has opened. Texts name buttons and fields. */
  then?: (act: Actions, core: FakeCore) => Promise<void>;
}

export interface Actions {
  press: (name: string) => Promise<void>;
  type: (label: string, text: string) => Promise<void>;
  key: (init: KeyboardEventInit) => Promise<void>;
  wait: (ms: number) => Promise<void>;
  scroll: (top: number) => Promise<void>;
  /** Opens what is folded away. */
  open: (name: string) => Promise<void>;
  /** Rests on the newest message with these words, so that its bar shows. */
  hover: (words: string) => Promise<void>;
  /** Opens the menu of the newest message with these words. */
  menu: (words: string) => Promise<void>;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function nobody(): FakeCore {
  return new FakeCore();
}

function signedOut(): FakeCore {
  const core = new FakeCore();
  core.accountView = { type: 'signed_out', person: { account: 'account-jonas', username: 'jonas' } };
  return core;
}

function alone(): FakeCore {
  const core = new FakeCore().signedIn('jonas', { administrator: true });
  core.person('jonas');
  core.person('mia');
  return core;
}

/** A lived-in account. */
export function home(options: { offerRecoveryKey?: boolean; unread?: number } = {}): FakeCore {
  const core = new FakeCore().signedIn('jonas', {
    administrator: true,
    offerRecoveryKey: options.offerRecoveryKey ?? false,
  });
  core.person('jonas');
  core.person('tomas');
  const now = new Date();
  now.setHours(18, 53, 0, 0);
  const at = (before: number) => now.getTime() - before;
  core.now = () => now.getTime();

  const notes = core.chat('jonas');
  core.put(notes, { text: 'Boat shed key: second hook, left of the door', mine: true, sent_at: at(9 * DAY) });

  const others: [string, string, number, number, boolean][] = [
    ['samir.hadid', 'The trains are back on time, see you at eight', 6 * DAY, 0, false],
    ['noor', 'That sounds good 👍', 3 * DAY, 0, true],
    [
      'eva_lindqvist',
      'Could you send me the address again? I seem to have lost it.',
      DAY + 2 * HOUR,
      2,
      false,
    ],
    ['paul', 'https://example.org/maps/harbour-walk', DAY, 0, false],
    ['anneliese.von-hohenfels', 'Dann bis Sonntag!', 5 * HOUR, 114, false],
  ];
  for (const [name, text, before, unread, mine] of others) {
    const chat = core.chat(name, unread);
    core.put(chat, { text, mine, sent_at: at(before), delivery: { type: mine ? 'read' : 'received' } });
  }

  const mia = core.chat('mia', options.unread ?? 0);
  const them = (before: number, text: string, rest: object = {}) =>
    core.put(mia, { text, sent_at: at(before), ...rest });
  const me = (before: number, text: string, type: 'read' | 'delivered' | 'sent' | 'queued' = 'read') =>
    core.put(mia, { text, mine: true, sent_at: at(before), delivery: { type } });
  them(2 * DAY, 'Did you see the light over the harbour this morning?');
  them(2 * DAY - MINUTE, 'I took the long way round, just to stay in it a little longer.');
  me(2 * DAY - 9 * MINUTE, 'From the tram, for about four seconds. It was the best part of the day.');
  them(
    DAY + 3 * HOUR,
    'Then take the early boat with me on Saturday. https://example.org/boats?from=pier (the 6:40 one)',
  );
  me(DAY + 2 * HOUR, 'Deal.');
  me(
    DAY + 2 * HOUR - MINUTE,
    'I’ll bring coffee, you bring the blanket. The thick one, please — I remember last year.',
  );
  core.put(mia, { sent_at: at(4 * HOUR), body: { type: 'unopened' }, missing_before: 2 });
  core.put(mia, { sent_at: at(4 * HOUR - MINUTE), body: { type: 'unopened' } });
  core.put(mia, { sent_at: at(4 * HOUR - 2 * MINUTE), body: { type: 'lost', why: 'too_old' } });
  core.put(mia, { mine: true, sent_at: at(3 * HOUR), body: { type: 'restored_here' } });
  them(40 * MINUTE, 'The forecast says fog until nine.');
  them(39 * MINUTE, 'Which is either terrible or exactly right.');
  me(
    30 * MINUTE,
    'Exactly right. I would not trade fog for anything, and I’ll say so again at a quarter past six when I am standing there in the cold with two cups and no gloves.',
  );
  them(3 * MINUTE, 'Ha. I’ll quote you.');
  me(2 * MINUTE, 'Please do', 'delivered');
  me(MINUTE, 'See you at the pier', 'sent');
  return core;
}

/** With favourites, a muted chat, one in the archive, one marked as unread, and a draft. */
function sorted(): FakeCore {
  const core = home({ unread: 2 });
  const set = (name: string, change: Partial<ChatView>) =>
    Object.assign(core.chats.find((row) => row.room === `room-${name}`) ?? {}, change);
  set('mia', { favourite: true });
  set('samir.hadid', { favourite: true, marked_unread: true });
  set('anneliese.von-hohenfels', { muted_until: core.now() + DAY });
  set('noor', { draft: 'I could bring the small tent, if' });
  set('paul', { archived: true });
  return core;
}

/** The menu of a chat, as the key for it opens it. */
async function ask(act: Actions, room: string): Promise<void> {
  document
    .querySelector(`[data-room="${room}"]`)
    ?.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }));
  await act.wait(100);
}

export function miaIn(core: FakeCore) {
  const chat = core.chats.find((row) => row.person?.username === 'mia');
  if (!chat) throw new Error('The scene has no chat with mia.');
  return chat;
}

function long(unread: number): FakeCore {
  const core = home();
  const mia = miaIn(core);
  for (let at = 0; at < 300; at += 1)
    core.put(mia, {
      text: `Line ${at}. ${'And a little more of it. '.repeat(at % 4)}`,
      mine: at % 3 === 0 && at < 290,
      sent_at: core.now() + at * 20_000,
    });
  mia.unread = unread;
  return core;
}

export function failing(
  goal: Parameters<FakeCore['faults']['set']>[0],
  code: string,
  message: string,
  core = home(),
) {
  core.faults.set(goal, refuse(code, message));
  return core;
}

export function hanging(goal: Parameters<FakeCore['faults']['set']>[0], core = home()) {
  core.faults.set(goal, 'never');
  return core;
}

export function connected(state: 'offline' | 'connecting' | 'catching_up', core = home()) {
  core.connectionState = state;
  return core;
}

const MIA = href.chat('room-mia');
const OFFLINE = 'The server cannot be reached. Check your connection and try again.';
const EXPIRED = 'Nobody approved this device in time. Start again.';
const DECLINED = 'Your other device declined. If that was you, start again; if not, change your password.';

function elsewhere(): FakeCore {
  const core = nobody();
  core.elsewhere = true;
  return core;
}

function withDevices(): FakeCore {
  const core = home();
  const before = (time: number) => ({
    connected: false,
    seen_at: core.now() - time,
    added_at: core.now() - 40 * DAY,
  });
  return core
    .device('Chromium on Linux', { added_at: core.now() - 90 * DAY })
    .device('Firefox on Android', { added_at: core.now() - 12 * DAY })
    .device(null, before(3 * DAY))
    .device('The old tablet in the kitchen, with the cracked corner', {
      ...before(21 * DAY),
      signed_in: false,
    });
}

function standing(how: StandingView, core = home()): FakeCore {
  core.standings.set('account-mia', how);
  return core;
}

/** Somebody whose name belonged to another identity before. */
function changedTomas(how: StandingView): FakeCore {
  const core = home();
  const chat = core.chat('tomas');
  core.put(chat, { body: { type: 'identity_changed' }, sent_at: core.now() - HOUR });
  core.put(chat, {
    text: 'It is me, on a new phone. The old one fell into the harbour.',
    sent_at: core.now() - HOUR + MINUTE,
  });
  core.standings.set('account-tomas', how);
  return core;
}

async function recovering(act: Actions, core: FakeCore): Promise<void> {
  await act.type('Name', 'jonas');
  await act.type('Recovery key', core.words.join(' '));
  await act.type('New password', 'five boats in the sun');
  await act.press('Come back');
}

async function startAgain(act: Actions): Promise<void> {
  await act.type('Name', 'jonas');
  await act.type('Password', 'four boats');
  await act.type('Type your name once more to start again', 'jonas');
  await act.press('Start again');
}

async function gone(act: Actions, core: FakeCore, why: Failure): Promise<void> {
  core.accountView = { type: 'none' };
  core.emit({ type: 'warning', failure: why });
  core.emit({ type: 'account' });
  await act.wait(100);
}

export const SCENES: Record<string, Scene> = {
  welcome: { hash: '#/', core: nobody },
  'welcome-fresh': {
    hash: '#/',
    core: () => {
      const core = nobody();
      core.serverState = { name: 'Lighthouse', needsSetup: true };
      return core;
    },
  },
  'welcome-offline': {
    hash: '#/',
    core: () => connected('offline', failing('server', 'offline', OFFLINE, nobody())),
  },
  'welcome-contact': { hash: href.contact('mia', 'account-mia'), core: nobody },
  'welcome-bad-link': {
    hash: '#/',
    core: nobody,
    then: async (act) => {
      await act.type('Invite link', 'https://example.org/invite');
      await act.press('Open invite');
    },
  },
  'sign-up': { hash: href.invite('token'), core: nobody },
  'set-up': {
    hash: href.setup('token'),
    core: nobody,
    then: async (act) => {
      await act.type('Name', 'jonas');
      await act.type('Password', 'four boats in the fog');
    },
  },
  'sign-up-typing': {
    hash: href.invite('token'),
    core: nobody,
    then: async (act) => {
      await act.type('Name', 'Mia Keller');
      await act.type('Password', '12345678');
    },
  },
  'sign-up-working': {
    hash: href.invite('token'),
    core: () => hanging('register', nobody()),
    then: async (act) => {
      await act.type('Name', 'mia');
      await act.type('Password', 'four boats in the fog');
      await act.press('Create account');
      await act.wait(700);
    },
  },
  'sign-up-taken': {
    hash: href.invite('token'),
    core: () => failing('register', 'username_taken', 'This name is taken. Choose another one.', nobody()),
    then: async (act) => {
      await act.type('Name', 'mia');
      await act.type('Password', 'four boats');
      await act.press('Create account');
    },
  },
  'sign-up-used-invite': {
    hash: href.invite('token'),
    core: () =>
      failing(
        'register',
        'invite_needed',
        'This invite is used up, expired or not from this server. Ask for a new one.',
        nobody(),
      ),
    then: async (act) => {
      await act.type('Name', 'mia');
      await act.type('Password', 'four boats');
      await act.press('Create account');
    },
  },
  'sign-in': { hash: '#/sign-in', core: nobody },
  'sign-in-again': { hash: '#/', core: signedOut },
  'sign-in-wrong': {
    hash: '#/sign-in',
    core: () =>
      failing(
        'signIn',
        'wrong_credentials',
        'Name or password is wrong. Check both and try again.',
        signedOut(),
      ),
    then: async (act) => {
      await act.type('Password', 'four boots');
      await act.press('Sign in');
    },
  },
  'approve-waiting': { hash: '#/sign-in', core: () => nobody().joining() },
  'approve-signing-in': {
    hash: '#/sign-in',
    core: elsewhere,
    then: async (act) => {
      await act.type('Name', 'jonas');
      await act.type('Password', 'four boats');
      await act.press('Sign in');
    },
  },
  'approve-digits': {
    hash: '#/sign-in',
    core: () => nobody().joining({ digits: '418902', step: { type: 'confirming' } }),
  },
  'approve-adding': {
    hash: '#/sign-in',
    core: () => nobody().joining({ digits: '418902', step: { type: 'adding' } }),
    then: (act) => act.wait(700),
  },
  'approve-ended': {
    hash: '#/sign-in',
    core: () => nobody().joining({ step: { type: 'ended', failure: failure('link_expired', EXPIRED) } }),
  },
  'approve-offline': {
    hash: '#/sign-in',
    core: () => failing('cancelJoining', 'offline', OFFLINE, nobody().joining()),
    then: (act) => act.press('Show a QR code instead'),
  },
  'approve-neither': {
    hash: '#/sign-in',
    core: () => nobody().joining(),
    then: (act) => act.press('I have neither'),
  },
  'add-browser': {
    hash: '#/',
    core: nobody,
    then: async (act) => {
      await act.press('Add this browser');
      await act.wait(300);
    },
  },
  'add-browser-name': {
    hash: '#/',
    core: nobody,
    then: async (act) => {
      await act.press('Add this browser');
      await act.press('Rename this device');
    },
  },
  'add-browser-confirming': {
    hash: '#/',
    core: () => nobody().joining({ username: null, step: { type: 'confirming' } }),
    then: (act) => act.wait(700),
  },
  'add-browser-ended': {
    hash: '#/',
    core: () =>
      nobody().joining({
        username: null,
        step: { type: 'ended', failure: failure('link_declined', DECLINED) },
      }),
  },
  'add-browser-offline': {
    hash: '#/',
    core: () => failing('showLinkCode', 'offline', OFFLINE, nobody()),
    then: (act) => act.press('Add this browser'),
  },
  'link-not-signed-in': { hash: href.link('code'), core: nobody },
  'link-signed-out': { hash: href.link('code'), core: signedOut },
  'link-confirm': { hash: href.link('code'), core: home },
  'link-connecting': {
    hash: href.link('code'),
    core: () => hanging('answerCode'),
    then: (act) => act.wait(700),
  },
  'link-added': { hash: href.link('code'), core: home, then: (act) => act.press('Approve') },
  'link-failed': {
    hash: href.link('code'),
    core: () =>
      failing(
        'answerCode',
        'link_unreadable',
        'This is not the code of a new device. Show it again on the new device and scan it from there.',
      ),
  },
  'approval-card': { hash: MIA, core: () => home().approval('link', { type: 'asked' }) },
  'approval-digits': {
    hash: MIA,
    core: () => home().approval('link', { type: 'asked' }),
    then: async (act) => {
      await act.press('Look at it');
      await act.type('The six digits on the new device', '41890');
    },
  },
  'approval-wrong': {
    hash: MIA,
    core: () => home().approval('link', { type: 'asked' }),
    then: async (act, core) => {
      await act.press('Look at it');
      core.approval('link', {
        type: 'ended',
        failure: failure(
          'digits_wrong',
          'These are not the digits on the new device. For safety this approval has ended; start again on the new device, and approve only a device that you hold.',
        ),
      });
      await act.wait(100);
    },
  },
  'approval-adding': {
    hash: MIA,
    core: () => home().approval('link', { type: 'asked' }),
    then: async (act, core) => {
      await act.press('Look at it');
      core.approval('link', { type: 'adding' });
      await act.wait(700);
    },
  },
  'approval-added': {
    hash: MIA,
    core: () => home().approval('link', { type: 'asked' }),
    then: async (act) => {
      await act.press('Look at it');
      await act.type('The six digits on the new device', '418902');
      await act.press('Approve');
    },
  },
  'approval-declined': {
    hash: MIA,
    core: () => home().approval('link', { type: 'asked' }),
    then: async (act) => {
      await act.press('Look at it');
      await act.press('Decline');
    },
  },
  recover: { hash: href.recover, core: nobody },
  'recover-typing': {
    hash: href.recover,
    core: nobody,
    then: async (act) => {
      await act.type('Name', 'jonas');
      await act.type('Recovery key', '1. abandon 2. ability\n3. abel 4. about 5. abov 6. abs');
      await act.type('New password', 'five boats in the sun');
    },
  },
  'recover-refused': {
    hash: href.recover,
    core: () =>
      failing(
        'recover',
        'recovery_refused',
        'Name and recovery key do not fit together. Check both; a recovery key that was replaced opens nothing any more.',
        nobody(),
      ),
    then: recovering,
  },
  'recover-invalid': {
    hash: href.recover,
    core: () =>
      failing(
        'recover',
        'words_invalid',
        'These are not the words of a recovery key. Check the spelling and the order; there are 24.',
        nobody(),
      ),
    then: recovering,
  },
  'recover-working': {
    hash: href.recover,
    core: () => hanging('recover', nobody()),
    then: async (act, core) => {
      await recovering(act, core);
      await act.wait(700);
    },
  },
  reset: { hash: href.reset, core: () => nobody().joining() },
  'reset-typed': {
    hash: href.reset,
    core: nobody,
    then: async (act) => {
      await act.type('Name', 'jonas');
      await act.type('Password', 'four boats');
      await act.type('Type your name once more to start again', 'jonas');
    },
  },
  'reset-working': {
    hash: href.reset,
    core: () => hanging('resetIdentity', nobody()),
    then: async (act) => {
      await startAgain(act);
      await act.wait(700);
    },
  },
  'reset-too-soon': {
    hash: href.reset,
    core: () => {
      const core = nobody();
      core.faults.set(
        'resetIdentity',
        refuse(
          'reset_too_soon',
          'A device of this account was used not long ago. For safety you can start again only after a pause; use that device until then, or ask the server’s operator.',
          22 * 60 * 60,
        ),
      );
      return core;
    },
    then: startAgain,
  },
  'reset-offline': {
    hash: href.reset,
    core: () => failing('resetIdentity', 'offline', OFFLINE, nobody()),
    then: startAgain,
  },
  'device-removed': {
    hash: '#/chats',
    core: home,
    then: (act, core) =>
      gone(
        act,
        core,
        failure(
          'device_removed',
          'This device was removed from your account, and everything on it was deleted.',
        ),
      ),
  },
  'device-removal-unproven': {
    hash: '#/chats',
    core: home,
    then: (act, core) =>
      gone(
        act,
        core,
        failure(
          'device_revoked_unproven',
          'The server says that this device was removed from your account. What is on it stays sealed; look at your devices on another one.',
        ),
      ),
  },
  'device-added': {
    hash: MIA,
    core: home,
    then: async (act, core) => {
      core.emit({ type: 'device_added', name: 'Firefox on Android' });
      await act.wait(50);
    },
  },
  'invite-with-account': { hash: href.invite('token'), core: home },

  chats: { hash: '#/chats', core: home },
  'chats-empty': { hash: '#/chats', core: alone },
  'chats-loading': { hash: '#/chats', core: () => hanging('listChats'), then: (act) => act.wait(600) },
  'chats-failed': {
    hash: '#/chats',
    core: () => failing('listChats', 'storage', 'This device could not read its data.'),
  },
  'chats-offline': { hash: '#/chats', core: () => connected('offline'), then: (act) => act.wait(600) },
  'new-chat': { hash: '#/chats', core: alone, then: (act) => act.press('New chat') },
  'new-chat-found': {
    hash: '#/chats',
    core: alone,
    then: async (act) => {
      await act.press('New chat');
      await act.type('Name or contact link', 'mia');
      await act.press('Find');
    },
  },
  'new-chat-unknown': {
    hash: '#/chats',
    core: alone,
    then: async (act) => {
      await act.press('New chat');
      await act.type('Name or contact link', 'somebody');
      await act.press('Find');
    },
  },
  'contact-mismatch': { hash: href.contact('mia', 'account-eve'), core: alone },
  'search-empty': { hash: MIA, core: home, then: (act) => act.key({ key: 'f', ctrlKey: true }) },
  'search-found': {
    hash: MIA,
    core: () => long(0),
    then: async (act) => {
      await act.key({ key: 'f', ctrlKey: true });
      await act.type('Search messages', 'the');
      await act.wait(300);
    },
  },
  'search-jump': {
    hash: href.chat('room-paul'),
    core: () => long(0),
    then: async (act) => {
      await act.key({ key: 'f', ctrlKey: true });
      await act.type('Search messages', 'harbour this');
      await act.wait(300);
      document.querySelector<HTMLElement>('[data-hit]')?.click();
      await act.wait(500);
    },
  },
  'search-nothing': {
    hash: '#/chats',
    core: home,
    then: async (act) => {
      await act.key({ key: 'f', ctrlKey: true });
      await act.type('Search messages', 'zeppelin');
      await act.wait(300);
    },
  },
  'search-hint': {
    hash: '#/chats',
    core: () =>
      failing('search', 'search_date', 'This is no date. Write it like 2026-11-30, 2026-11 or 2026.'),
    then: async (act) => {
      await act.key({ key: 'f', ctrlKey: true });
      await act.type('Search messages', 'before:tuesday');
      await act.wait(300);
    },
  },
  'search-failed': {
    hash: '#/chats',
    core: () => failing('search', 'storage', 'This device could not read its data.'),
    then: async (act) => {
      await act.key({ key: 'f', ctrlKey: true });
      await act.type('Search messages', 'boat');
      await act.wait(300);
    },
  },
  'search-working': {
    hash: '#/chats',
    core: () => hanging('search'),
    then: async (act) => {
      await act.key({ key: 'f', ctrlKey: true });
      await act.type('Search messages', 'boat');
      await act.wait(800);
    },
  },
  'chats-set': { hash: '#/chats', core: sorted, then: (act) => act.press('Archived 1') },
  'chats-menu': { hash: '#/chats', core: sorted, then: (act) => ask(act, 'room-noor') },
  'chats-mute': {
    hash: '#/chats',
    core: sorted,
    then: async (act) => {
      await ask(act, 'room-noor');
      await act.press('Mute…');
    },
  },
  switcher: { hash: MIA, core: home, then: (act) => act.key({ key: 'k', ctrlKey: true }) },

  conversation: { hash: MIA, core: home },
  'conversation-start': { hash: href.chat('room-paul'), core: home },
  'conversation-saved': { hash: href.chat('room-jonas'), core: home },
  'conversation-empty': {
    hash: MIA,
    core: () => {
      const core = alone();
      core.chat('mia');
      return core;
    },
  },
  'conversation-unread': { hash: MIA, core: () => home({ unread: 3 }) },
  'conversation-loading': { hash: MIA, core: () => hanging('listMessages'), then: (act) => act.wait(600) },
  'conversation-failed': {
    hash: MIA,
    core: () => failing('listMessages', 'storage', 'This device could not read its data.'),
  },
  'conversation-offline': {
    hash: MIA,
    core: () => {
      const core = connected('offline');
      core.put(miaIn(core), { text: 'Are you there?', mine: true, delivery: { type: 'queued' } });
      return core;
    },
    then: (act) => act.wait(600),
  },
  'conversation-not-sent': {
    hash: MIA,
    core: () => {
      const core = home();
      core.put(miaIn(core), {
        text: 'The whole list, with everything that we talked about',
        mine: true,
        delivery: { type: 'failed', failure: failure('forbidden', 'You are not allowed to do this.') },
      });
      return core;
    },
  },
  'conversation-scrolled': {
    hash: MIA,
    core: () => long(0),
    then: async (act, core) => {
      await act.scroll(-2000);
      core.arrive(miaIn(core), 'Something new');
      core.arrive(miaIn(core), 'And more');
      core.arrive(miaIn(core), 'And more');
      await act.wait(100);
    },
  },
  'conversation-long-unread': {
    hash: MIA,
    core: () => long(40),
    then: async (act) => {
      await act.press('Jump to newest');
      await act.wait(700);
    },
  },
  'conversation-writing': {
    hash: MIA,
    core: home,
    then: (act) =>
      act.type(
        'Message',
        Array.from({ length: 24 }, (_, at) => `Line ${at + 1} of a long letter`).join('\n'),
      ),
  },
  'conversation-info': {
    hash: href.chat('room-jonas'),
    core: home,
    then: (act) => act.press('About this chat'),
  },
  profile: { hash: MIA, core: home, then: (act) => act.press('About this chat') },
  'profile-verified': {
    hash: MIA,
    core: () => standing('verified'),
    then: (act) => act.press('About this chat'),
  },
  'profile-loading': {
    hash: MIA,
    core: () => hanging('profile'),
    then: async (act) => {
      await act.press('About this chat');
      await act.wait(600);
    },
  },
  'profile-failed': {
    hash: MIA,
    core: () => failing('profile', 'storage', 'This device could not read its data.'),
    then: (act) => act.press('About this chat'),
  },
  'profile-disputed': {
    hash: MIA,
    core: () => {
      const core = home();
      core.profiles.set('account-mia', { disputed: true });
      return core;
    },
    then: (act) => act.press('About this chat'),
  },
  'profile-number': {
    hash: MIA,
    core: home,
    then: async (act) => {
      await act.press('About this chat');
      await act.press('Compare');
    },
  },
  'profile-number-code': {
    hash: MIA,
    core: home,
    then: async (act) => {
      await act.press('About this chat');
      await act.press('Compare');
      await act.open('Compare by code instead');
      await act.wait(300);
    },
  },
  'profile-number-differs': {
    hash: MIA,
    core: home,
    then: async (act) => {
      await act.press('About this chat');
      await act.press('Compare');
      await act.open('Compare by code instead');
      await act.type('What mia shows', 'https://chat.example/#/verify/mia/differs');
      await act.press('Compare');
      await act.wait(300);
    },
  },
  'profile-changes': {
    hash: MIA,
    core: home,
    then: async (act) => {
      await act.press('About this chat');
      await act.press('What changed');
    },
  },
  'profile-changes-offline': {
    hash: MIA,
    core: () => connected('offline'),
    then: async (act) => {
      await act.press('About this chat');
      await act.press('What changed');
      await act.wait(600);
    },
  },
  'profile-scanned': { hash: href.verify('mia', 'account-mia', 'code'), core: home },
  'profile-scanned-differs': { hash: href.verify('mia', 'account-mia', 'differs'), core: home },
  'identity-changed': {
    hash: href.chat('room-tomas'),
    core: () => changedTomas('changed'),
  },
  'identity-blocked': {
    hash: href.chat('room-tomas'),
    core: () => changedTomas('blocked'),
  },
  'identity-blocked-accepting': {
    hash: href.chat('room-tomas'),
    core: () => changedTomas('blocked'),
    then: (act) => act.press('Accept…'),
  },
  'identity-blocked-failed': {
    hash: href.chat('room-tomas'),
    core: () => {
      const core = changedTomas('blocked');
      core.faults.set(
        'judge',
        refuse(
          'storage',
          'This device could not store that; nothing was sent. Make room on the disk and try again.',
        ),
      );
      return core;
    },
    then: async (act) => {
      await act.press('Accept…');
      await act.press('Write without comparing');
    },
  },
  'identity-moved': {
    hash: MIA,
    core: () => {
      const core = home();
      core.successors.set('account-mia', 'account-mia-2');
      return core;
    },
  },
  'conversation-unknown': { hash: href.chat('room-nobody'), core: home },
  recovery: { hash: MIA, core: () => home({ offerRecoveryKey: true }) },
  'recovery-words': {
    hash: MIA,
    core: () => home({ offerRecoveryKey: true }),
    then: (act) => act.press('Show the words'),
  },
  'recovery-check': {
    hash: MIA,
    core: () => home({ offerRecoveryKey: true }),
    then: async (act) => {
      await act.press('Show the words');
      await act.press('I have kept it');
      await act.press('Check');
    },
  },

  settings: { hash: '#/settings', core: withDevices },
  'devices-alone': { hash: '#/settings', core: () => home().device('Chromium on Linux') },
  'devices-loading': { hash: '#/settings', core: () => hanging('listDevices'), then: (act) => act.wait(600) },
  'devices-failed': { hash: '#/settings', core: () => failing('listDevices', 'offline', OFFLINE) },
  'devices-rename': {
    hash: '#/settings',
    core: withDevices,
    then: (act) => act.press('Rename Firefox on Android'),
  },
  'devices-remove': {
    hash: '#/settings',
    core: withDevices,
    then: async (act) => {
      await act.press('Remove Firefox on Android');
      await act.type('Type “remove” to go on', 'remove');
    },
  },
  'devices-remove-this': {
    hash: '#/settings',
    core: withDevices,
    then: (act) => act.press('Remove Chromium on Linux'),
  },
  'devices-changes': {
    hash: '#/settings',
    core: withDevices,
    then: (act) => act.press('What changed'),
  },
  'devices-changes-failed': {
    hash: '#/settings',
    core: () => failing('profile', 'storage', 'This device could not read its data.', withDevices()),
    then: (act) => act.press('What changed'),
  },
  'devices-add': { hash: '#/settings', core: withDevices, then: (act) => act.press('Add a device') },
  'settings-invite': { hash: '#/settings', core: home, then: (act) => act.press('Make an invite link') },
  'settings-memory': {
    hash: '#/settings',
    core: () => {
      const core = home();
      core.storage = 'memory';
      return core;
    },
  },
  'history-add': { hash: '#/settings', core: withDevices, then: (act) => act.press('Add my password') },
  'history-weak': {
    hash: '#/settings',
    core: withDevices,
    then: async (act) => {
      await act.press('Add my password');
      await act.type('Your password', 'password123');
      await act.key({ key: 'Enter' });
      await act.wait(1_500);
    },
  },
  'history-strict': {
    hash: '#/settings',
    core: () => {
      const core = withDevices();
      core.ways = { known: true, password: true, changing: false, asks_for_words: true };
      return core;
    },
    then: (act) => act.press('Make it strict'),
  },
  'history-failed': {
    hash: '#/settings',
    core: () => failing('historyWays', 'storage', 'This device could not read its data.'),
  },
  'group-returned': {
    hash: '#/chats/room-Boats',
    core: () => {
      const core = home();
      core.place('group', 'Boats', {
        returned: [
          {
            former: 'account-mia',
            person: { account: 'account-mia-2', username: 'mia' },
            blocked: false,
            former_stays: false,
          },
        ],
      });
      return core;
    },
    then: (act) => act.press('About this group'),
  },
  'sign-out': { hash: '#/settings', core: home, then: (act) => act.press('Sign out') },

  opening: { hash: '#/', core: () => hanging('ready'), then: (act) => act.wait(600) },
  'storage-newer': {
    hash: '#/',
    core: () =>
      failing(
        'ready',
        'storage_newer',
        'The data on this device was made by a newer version. Reload or update to that version; nothing was changed.',
      ),
  },
  'storage-locked': {
    hash: '#/',
    core: () => failing('ready', 'storage_locked', 'The data on this device cannot be opened.'),
  },
  warning: {
    hash: MIA,
    core: home,
    then: async (act, core) => {
      const told: CoreEvent = {
        type: 'warning',
        failure: failure(
          'version_unsupported',
          'This version no longer matches the server. Reload or update.',
        ),
      };
      core.emit(told);
      await act.wait(50);
    },
  },
  broken: {
    hash: MIA,
    core: () => {
      const core = home();
      // A message of no form that the screen knows.
      core.put(miaIn(core), { sent_at: Number.NaN });
      return core;
    },
  },
};
