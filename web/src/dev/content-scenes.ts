import { href } from '../lib/platform/route';
import type { MessageView, ReactionView } from '../lib/protocol/generated';
import type { FakeCore } from './fake-core';
import { type Actions, connected, failing, hanging, home, miaIn, type Scene } from './scenes';

/** What people say and do in a chat, in its states. */

const MIA = href.chat('room-mia');
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function reaction(core: FakeCore, emoji: string, ...names: string[]): ReactionView {
  const people = names.map((name) => core.person(name));
  return { emoji, count: people.length, mine: names.includes('jonas'), people };
}

const MARKED = `**Packing list** for *Saturday*, ~~skis~~ not this time:
1. Thermos
2. The \`6:40\` tickets from https://example.org/boats
3. [a map](https://example.org/map)

> fog until nine
The surprise is ||two kayaks||
\`\`\`sh
alarm set 05:30 --loud
\`\`\``;

/** As [`lively`], where what a report reveals is looked at. */
function reporting(provable: boolean): FakeCore {
  const core = lively();
  core.reportPreview = {
    username: 'mia',
    sent_at: core.now() - 20_000,
    words: 'The harbour master says the 6:40 runs in any weather.',
    provable,
  };
  return core;
}

async function report(act: Actions) {
  await act.menu('harbour master');
  await act.press('Report…');
  await act.wait(300);
}

/** A chat with something of everything. */
function lively(): FakeCore {
  const core = home();
  const mia = miaIn(core);
  const at = (before: number) => core.now() - before;
  const them = (before: number, text: string, rest: Partial<MessageView> = {}) =>
    core.put(mia, { text, sent_at: at(before), ...rest });
  const me = (before: number, text: string, rest: Partial<MessageView> = {}) =>
    core.put(mia, { text, mine: true, sent_at: at(before), delivery: { type: 'read' }, ...rest });

  const asked = them(70_000, 'Shall we take the kayaks?', {
    reactions: [reaction(core, '👍', 'jonas', 'mia'), reaction(core, '🛶', 'mia')],
    pinned: true,
  });
  me(65_000, 'Only if you do the paddling', {
    reply: {
      message: asked.id,
      author: asked.author,
      username: 'mia',
      excerpt: 'Shall we take the kayaks?',
      state: 'here',
    },
    edited_at: at(60_000),
    reactions: [reaction(core, '😂', 'mia')],
  });
  core.put(mia, {
    sent_at: at(58_000),
    body: {
      type: 'poll',
      question: 'When do we leave the pier?',
      options: [
        { text: '6:40, in the fog', votes: 2, mine: true },
        { text: '8:10, with breakfast first', votes: 1, mine: false },
        { text: 'Not at all, it is November', votes: 0, mine: false },
      ],
      multiple: false,
      closed: false,
      closes_at: at(-DAY),
      voters: 3,
    },
  });
  core.put(mia, { mine: true, sent_at: at(50_000), body: { type: 'timer', seconds: 7 * 24 * 3600 } });
  const root = me(48_000, 'I put the list here', {
    expires_at: at(-6 * DAY),
    delivery: { type: 'delivered' },
  });
  const thread = { root: root.id, replies: 2, last_at: at(30_000) };
  core.messages(mia.room).splice(core.messages(mia.room).indexOf(root), 1, { ...root, thread });
  them(40_000, 'No gloves on it?', { thread });
  me(30_000, 'You have two pockets', { thread, delivery: { type: 'delivered' } });
  core.put(mia, { sent_at: at(25_000), body: { type: 'deleted', by_author: true } });
  them(20_000, 'The harbour master says the 6:40 runs in any weather.', { forwarded: { username: 'paul' } });
  mia.last = core.messages(mia.room).at(-1) ?? null;
  return core;
}

function marked(): FakeCore {
  const core = home();
  const mia = miaIn(core);
  core.put(mia, { text: MARKED, sent_at: core.now() - 40_000 });
  core.put(mia, {
    text: 'Two lines\n\n- one\n- two\n\nand `code`, which @mia knows',
    mine: true,
    sent_at: core.now() - 30_000,
  });
  return core;
}

export const CONTENT_SCENES: Record<string, Scene> = {
  'content-lively': { hash: MIA, core: lively },
  'content-marked': { hash: MIA, core: marked, then: (act) => act.wait(150) },
  'content-bar': { hash: MIA, core: lively, then: (act) => act.hover('paddling') },
  'content-report': {
    hash: MIA,
    core: () => reporting(true),
    then: (act) => report(act),
  },
  'content-report-without-proof': {
    hash: MIA,
    core: () => reporting(false),
    then: (act) => report(act),
  },
  'content-menu': { hash: MIA, core: lively, then: (act) => act.menu('paddling') },
  'content-menu-other': { hash: MIA, core: lively, then: (act) => act.menu('harbour master') },
  'content-emoji': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.hover('harbour master');
      await act.press('React');
      await act.wait(500);
    },
  },
  'content-emoji-search': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.press('Emoji');
      await act.wait(400);
      await act.type('Search emoji', 'boat');
    },
  },
  'content-reply': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.hover('harbour master');
      await act.press('Reply');
    },
  },
  'content-edit': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.hover('paddling');
      await act.press('Edit');
    },
  },
  'content-edit-failed': {
    hash: MIA,
    core: () =>
      failing('editMessage', 'too_late', 'This can no longer be edited. Write a new message.', lively()),
    then: async (act) => {
      await act.hover('paddling');
      await act.press('Edit');
      await act.type('Edit message', 'Only if you paddle');
      await act.press('Save');
    },
  },
  'content-history': {
    hash: MIA,
    core: lively,
    then: async (act, core) => {
      const message = core.messages('room-mia').find((row) => row.edited_at !== null);
      if (message) await core.editMessage(message.id, 'Only if you do **all** the paddling');
      await act.wait(60);
      await act.menu('the paddling');
      await act.press('What it said before');
      await act.wait(100);
    },
  },
  'content-deleted-undo': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.menu('paddling');
      await act.press('Delete for everyone');
    },
  },
  'content-reactions': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.press('Who reacted');
      await act.wait(100);
    },
  },
  'content-pins': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.press('Pinned messages');
      await act.wait(150);
    },
  },
  'content-pins-none': {
    hash: MIA,
    core: home,
    then: async (act) => {
      await act.press('Pinned messages');
      await act.wait(150);
    },
  },
  'content-pins-failed': {
    hash: MIA,
    core: () =>
      failing('listPinned', 'storage', 'This device could not read that. Reload the page.', lively()),
    then: async (act) => {
      await act.press('Pinned messages');
      await act.wait(150);
    },
  },
  'content-thread': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.menu('I put the list here');
      await act.press('Reply in thread');
      await act.wait(200);
    },
  },
  'content-thread-loading': {
    hash: MIA,
    core: () => hanging('listThread', lively()),
    then: async (act) => {
      await act.menu('I put the list here');
      await act.press('Reply in thread');
      await act.wait(700);
    },
  },
  'content-thread-failed': {
    hash: MIA,
    core: () =>
      failing('listThread', 'storage', 'This device could not read that. Reload the page.', lively()),
    then: async (act) => {
      await act.menu('I put the list here');
      await act.press('Reply in thread');
      await act.wait(200);
    },
  },
  'content-poll-new': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.press('Make a poll');
      await act.wait(200);
      await act.type('Question', 'Coffee or tea?');
      await act.type('Answer 1', 'Coffee');
      await act.type('Answer 2', 'Tea');
      await act.press('Add an answer');
    },
  },
  'content-forward': {
    hash: MIA,
    core: lively,
    then: async (act) => {
      await act.menu('harbour master');
      await act.press('Forward');
      await act.wait(200);
      await act.press('Send to noor');
    },
  },
  'content-forward-failed': {
    hash: MIA,
    core: () =>
      failing('forward', 'storage', 'This device could not store that; nothing was sent.', lively()),
    then: async (act) => {
      await act.menu('harbour master');
      await act.press('Forward');
      await act.wait(200);
      await act.press('Send to noor');
    },
  },
  'content-timer': { hash: MIA, core: lively, then: (act) => act.press('About this chat') },
  'content-mention': {
    hash: MIA,
    core: home,
    then: async (act) => {
      await act.type('Message', 'Shall we, @m');
    },
  },
  'content-mentioned': {
    hash: MIA,
    core: home,
    then: async (act) => {
      await act.type('Message', 'Shall we, @mia, or shall we not?');
    },
  },
  'content-offline': {
    hash: MIA,
    core: () => {
      const core = connected('offline', lively());
      const mia = miaIn(core);
      const none = {
        edit: true,
        delete_for_everyone: true,
        react: false,
        pin: false,
        reply: false,
        forward: false,
      };
      core.put(mia, {
        text: 'This one *waits*',
        mine: true,
        delivery: { type: 'queued' },
        edited_at: core.now(),
        can: none,
      });
      core.put(mia, {
        text: 'And this one did not go',
        mine: true,
        delivery: {
          type: 'failed',
          failure: {
            code: 'too_large',
            message: 'This is too large to be sent. Split it.',
            retry_after: null,
          },
        },
      });
      return core;
    },
  },
  'content-action-failed': {
    hash: MIA,
    core: () =>
      failing(
        'pin',
        'offline',
        'The server cannot be reached. Check your connection and try again.',
        lively(),
      ),
    then: async (act) => {
      await act.menu('harbour master');
      await act.press('Pin');
      await act.wait(100);
    },
  },
};
