import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';

import { FakeCore, refuse } from '../../../dev/fake-core';
import { PAGE, Timeline, WHOLE_MS, WINDOW } from './timeline.svelte';

let focus: MockInstance<() => boolean>;
beforeEach(() => {
  focus = vi.spyOn(document, 'hasFocus').mockReturnValue(true);
});
afterEach(() => focus.mockRestore());

/** Until everything that was asked for has been answered. */
const calm = () => new Promise((resolve) => setTimeout(resolve, 5));

async function opened(messages: number, unread = 0) {
  const core = new FakeCore().signedIn('jonas');
  const chat = core.chat('mia', unread);
  for (let at = 1; at <= messages; at += 1) core.put(chat, { text: `Message ${at}` });
  const timeline = new Timeline({ core, listen: (hear) => core.listen(hear) }, chat.room, unread);
  const stop = timeline.start();
  await calm();
  return { core, chat, timeline, stop };
}

const texts = (timeline: Timeline) =>
  timeline.rows.map((row) => (row.body.type === 'text' ? row.body.text : row.body.type));

describe('the window of a timeline', () => {
  test('it opens with the newest messages', async () => {
    const { timeline } = await opened(200);
    expect(timeline.rows).toHaveLength(PAGE);
    expect(texts(timeline).at(-1)).toBe('Message 200');
    expect(timeline.atStart).toBe(false);
  });

  test('a short room is whole at once', async () => {
    const { timeline } = await opened(3);
    expect(texts(timeline)).toEqual(['Message 1', 'Message 2', 'Message 3']);
    expect(timeline.atStart).toBe(true);
  });

  test('older pages come above, without gaps, to the very first message', async () => {
    const { timeline } = await opened(120);
    while (!timeline.atStart) await timeline.loadOlder();
    expect(texts(timeline)).toEqual(Array.from({ length: 120 }, (_, at) => `Message ${at + 1}`));
  });

  test('two calls for older messages load one page', async () => {
    const { timeline } = await opened(300);
    await Promise.all([timeline.loadOlder(), timeline.loadOlder()]);
    expect(timeline.rows).toHaveLength(2 * PAGE);
  });

  test('it never holds more than its limit, and lets go at the far end', async () => {
    const { timeline } = await opened(2000);
    for (let page = 0; page < 20; page += 1) await timeline.loadOlder();
    expect(timeline.rows).toHaveLength(WINDOW);
    expect(timeline.detached).toBe(true);
    expect(texts(timeline)[0]).toBe(`Message ${2000 - 21 * PAGE + 1}`);
  });

  test('what it let go comes back on the way down, without gaps or doubles', async () => {
    const { timeline, core, chat } = await opened(2000);
    for (let page = 0; page < 20; page += 1) await timeline.loadOlder();
    for (let at = 0; at < 130; at += 1) core.arrive(chat, `New ${at}`);
    await calm();
    for (let page = 0; page < 100 && timeline.detached; page += 1) {
      await timeline.loadNewer();
      const ids = timeline.rows.map((row) => row.position.ordinal);
      expect(ids).toEqual(Array.from(ids, (_, at) => (ids[0] ?? 0) + at));
    }
    expect(timeline.detached).toBe(false);
    expect(texts(timeline).at(-1)).toBe('New 129');
    expect(timeline.rows).toHaveLength(WINDOW);
  });

  test('a backlog that arrives at once leaves no gap, however long it is', async () => {
    for (const backlog of [PAGE + 150, 2 * WINDOW]) {
      const { core, chat, timeline } = await opened(5);
      for (let at = 6; at <= backlog; at += 1) core.put(chat, { text: `Message ${at}` });
      core.emit({ type: 'timeline', room: chat.room });
      await calm();
      const first = Math.max(1, backlog - WINDOW + 1);
      expect(texts(timeline)).toEqual(
        Array.from({ length: backlog - first + 1 }, (_, at) => `Message ${first + at}`),
      );
      expect(timeline.atStart).toBe(first === 1);
    }
  });

  test('one press goes back to the newest messages', async () => {
    const { timeline } = await opened(2000);
    for (let page = 0; page < 20; page += 1) await timeline.loadOlder();
    await timeline.jumpToNewest();
    expect(timeline.detached).toBe(false);
    expect(texts(timeline).at(-1)).toBe('Message 2000');
  });

  test('a page that fails leaves what is shown and says so', async () => {
    const { timeline, core } = await opened(200);
    core.faults.set('listMessages', refuse('storage', 'No disk.'));
    await timeline.loadOlder();
    expect(timeline.rows).toHaveLength(PAGE);
    expect(timeline.pageFailure?.message).toBe('No disk.');
    core.faults.clear();
    await timeline.loadOlder();
    expect(timeline.pageFailure).toBeNull();
    expect(timeline.rows).toHaveLength(2 * PAGE);
  });

  test('a room that cannot be read says so, and opens at the next try', async () => {
    const { timeline, core, chat } = await opened(0);
    core.faults.set('listMessages', refuse('storage', 'No disk.'));
    const other = new Timeline({ core, listen: (hear) => core.listen(hear) }, chat.room, 0);
    await other.open();
    expect(other.failure?.message).toBe('No disk.');
    core.faults.clear();
    await other.open();
    expect(other.failure).toBeNull();
    expect(timeline.rows).toEqual([]);
  });

  test('rows that did not change stay the same objects', async () => {
    const { timeline, core, chat } = await opened(60);
    const [before] = timeline.rows;
    core.arrive(chat, 'New');
    await calm();
    expect(timeline.rows).toContain(before);
    expect(texts(timeline).at(-1)).toBe('New');
  });

  test('what comes costs a page each time, however far somebody has scrolled, and the whole window once', async () => {
    const { timeline, core, chat } = await opened(400);
    for (let page = 0; page < 4; page += 1) await timeline.loadOlder();
    const asked: number[] = [];
    const list = core.listMessages.bind(core);
    core.listMessages = (room, before, limit) => {
      asked.push(limit);
      return list(room, before, limit);
    };
    vi.useFakeTimers();
    try {
      for (let at = 0; at < 20; at += 1) {
        core.arrive(chat, `New ${at}`);
        await vi.advanceTimersByTimeAsync(1);
      }
      expect(asked.every((limit) => limit === PAGE)).toBe(true);
      expect(texts(timeline).slice(-1)).toEqual(['New 19']);
      expect(timeline.rows).toHaveLength(5 * PAGE + 20);
      asked.length = 0;
      await vi.advanceTimersByTimeAsync(2 * WHOLE_MS);
      expect(asked).toEqual([5 * PAGE + 30]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a change far above what is new is shown a little later', async () => {
    const { timeline, core } = await opened(400);
    await timeline.loadOlder();
    vi.useFakeTimers();
    try {
      core.deliver('message-310', { type: 'read' });
      await vi.advanceTimersByTimeAsync(2 * WHOLE_MS);
      expect(timeline.rows.find((row) => row.id === 'message-310')?.delivery.type).toBe('read');
    } finally {
      vi.useRealTimers();
    }
  });

  test('another tab that takes over makes it ask again', async () => {
    const { timeline, core, chat } = await opened(1);
    core.put(chat, { text: 'Meanwhile' });
    core.emit({ type: 'owner' });
    await calm();
    expect(texts(timeline)).toEqual(['Message 1', 'Meanwhile']);
  });

  test('a room that was left hears nothing more', async () => {
    const { timeline, core, chat, stop } = await opened(1);
    stop();
    core.arrive(chat, 'New');
    await calm();
    expect(timeline.rows).toHaveLength(1);
  });
});

describe('the unread line', () => {
  test('it stands above the first unread message', async () => {
    const { timeline } = await opened(30, 4);
    expect(timeline.unreadFrom).toBe('message-27');
  });

  test('a long backlog is loaded up to the line', async () => {
    const { timeline } = await opened(400, 300);
    expect(timeline.rows.some((row) => row.id === timeline.unreadFrom)).toBe(true);
    expect(timeline.unreadFrom).toBe('message-101');
  });

  test('it stays while messages are read, and goes with the own answer', async () => {
    const { timeline } = await opened(10, 2);
    await timeline.seen('message-10');
    expect(timeline.unreadFrom).toBe('message-9');
    await timeline.send('Hello');
    expect(timeline.unreadFrom).toBeNull();
  });

  test('a message that arrives under the eyes needs no line', async () => {
    const { timeline, core, chat } = await opened(3);
    core.arrive(chat, 'New');
    await calm();
    expect(timeline.unreadFrom).toBeNull();
  });

  test('a message that arrives while nobody looks gets the line', async () => {
    const { timeline, core, chat } = await opened(3);
    focus.mockReturnValue(false);
    const first = core.arrive(chat, 'New');
    core.arrive(chat, 'Newer');
    await calm();
    expect(timeline.unreadFrom).toBe(first.id);
  });
});

describe('reading', () => {
  const marks = (core: FakeCore) => core.calls.filter(([goal]) => goal === 'markRead').map((call) => call[2]);

  test('what was seen is marked once, and never backwards', async () => {
    const { timeline, core } = await opened(10, 5);
    await timeline.seen('message-8');
    await timeline.seen('message-8');
    await timeline.seen('message-6');
    await timeline.seen('message-10');
    expect(marks(core)).toEqual(['message-8', 'message-10']);
  });

  test('what was read before is not marked again', async () => {
    const { timeline, core } = await opened(10, 0);
    await timeline.seen('message-10');
    expect(marks(core)).toEqual([]);
  });

  test('a mark that failed is said again', async () => {
    const { timeline, core } = await opened(10, 5);
    core.faults.set('markRead', refuse('storage'));
    await timeline.seen('message-10');
    core.faults.clear();
    await timeline.seen('message-10');
    expect(marks(core)).toEqual(['message-10', 'message-10']);
  });

  test('messages below the visible part are counted until the bottom is reached', async () => {
    const { timeline, core, chat } = await opened(10);
    timeline.setAtBottom(false);
    core.arrive(chat, 'One');
    core.arrive(chat, 'Two');
    await calm();
    expect(timeline.newBelow).toBe(2);
    timeline.setAtBottom(true);
    expect(timeline.newBelow).toBe(0);
  });

  test('only what arrives is announced, not what was there', async () => {
    const { timeline, core, chat } = await opened(10, 3);
    expect(timeline.arrived).toBeNull();
    await timeline.send('Hello');
    expect(timeline.arrived).toBeNull();
    const message = core.arrive(chat, 'New');
    await calm();
    expect(timeline.arrived?.id).toBe(message.id);
  });
});

describe('sending', () => {
  test('a text is shown before the engine has answered', async () => {
    const { timeline, core } = await opened(1);
    core.faults.set('sendText', 'never');
    void timeline.send('Hello');
    expect(texts(timeline)).toEqual(['Message 1', 'Hello']);
    expect(timeline.rows.at(-1)?.delivery.type).toBe('queued');
  });

  test('it keeps its row when the engine names it, and is never shown twice', async () => {
    const { timeline, core } = await opened(1);
    const seen = new Set<number>();
    const sending = timeline.send('Hello');
    const keys = () => timeline.rows.map((row) => timeline.keyOf(row));
    const before = keys();
    core.listen(() => queueMicrotask(() => seen.add(timeline.rows.length)));
    await sending;
    await calm();
    expect(timeline.rows).toHaveLength(2);
    expect(timeline.rows[1]?.id).toBe('message-2');
    expect(keys()).toEqual(before);
    expect([...seen]).toEqual([2]);
  });

  test('it is shown once when the engine tells of it long before it answers', async () => {
    const { timeline, core } = await opened(1);
    const answer = core.sendText.bind(core);
    core.sendText = async (room, text) => {
      const id = await answer(room, text);
      await calm();
      await calm();
      return id;
    };
    const sending = timeline.send('Hello');
    await calm();
    expect(texts(timeline)).toEqual(['Message 1', 'Hello']);
    expect(timeline.rows[1]?.id).toBe('message-2');
    await sending;
    expect(texts(timeline)).toEqual(['Message 1', 'Hello']);
  });

  test('the same text sent three times makes three rows in order', async () => {
    const { timeline } = await opened(0);
    await Promise.all([timeline.send('Hello'), timeline.send('Hello'), timeline.send('Hello')]);
    await calm();
    expect(timeline.rows.map((row) => row.id)).toEqual(['message-1', 'message-2', 'message-3']);
    expect(new Set(timeline.rows.map((row) => timeline.keyOf(row))).size).toBe(3);
  });

  test('a text that the device could not keep is taken back', async () => {
    const { timeline, core } = await opened(1);
    core.faults.set('sendText', refuse('storage', 'No disk.'));
    await expect(timeline.send('Hello')).rejects.toThrow('No disk.');
    expect(texts(timeline)).toEqual(['Message 1']);
  });

  test('marks follow the message: sending, sent, delivered, read', async () => {
    const { timeline, core } = await opened(0);
    await timeline.send('Hello');
    const states = [timeline.rows[0]?.delivery.type];
    for (const type of ['sent', 'delivered', 'read'] as const) {
      core.deliver('message-1', { type });
      await calm();
      states.push(timeline.rows[0]?.delivery.type);
    }
    expect(states).toEqual(['queued', 'sent', 'delivered', 'read']);
  });

  test('a failed message can be sent again or discarded', async () => {
    const { timeline, core } = await opened(2);
    await timeline.send('Hello');
    core.deliver('message-3', {
      type: 'failed',
      failure: { code: 'forbidden', message: 'No.', retry_after: null },
    });
    await calm();
    await timeline.act(() => core.retry('message-3'));
    expect(timeline.rows.at(-1)?.delivery.type).toBe('queued');
    await timeline.act(() => core.discard('message-3'));
    expect(texts(timeline)).toEqual(['Message 1', 'Message 2']);
  });
});

describe('jumping to a message in the middle', () => {
  test('it stands with what is around it, and the rest comes from both sides', async () => {
    const { timeline } = await opened(600);
    expect(await timeline.reach('message-200')).toBe(true);
    expect(texts(timeline)).toEqual(Array.from({ length: 81 }, (_, at) => `Message ${at + 160}`));
    expect([timeline.detached, timeline.atStart]).toEqual([true, false]);
    while (timeline.detached) await timeline.loadNewer();
    expect(texts(timeline).at(-1)).toBe('Message 600');
    expect(texts(timeline)[0]).toBe(`Message ${600 - timeline.rows.length + 1}`);
    while (!timeline.atStart) await timeline.loadOlder();
    expect(texts(timeline)[0]).toBe('Message 1');
  });

  test('one at either end says so', async () => {
    const { timeline } = await opened(600);
    await timeline.reach('message-3');
    expect([timeline.atStart, timeline.detached]).toEqual([true, true]);
    await timeline.jumpToNewest();
    await timeline.loadOlder();
    await timeline.loadOlder();
    const held = timeline.messages;
    expect(await timeline.reach('message-590')).toBe(true);
    expect(timeline.messages).toBe(held);
  });

  test('one that is not here changes nothing', async () => {
    const { timeline } = await opened(600);
    const held = timeline.messages;
    expect(await timeline.reach('message-9999')).toBe(false);
    expect(timeline.messages).toBe(held);
  });

  test('it may be wanted before the room has opened', async () => {
    const core = new FakeCore().signedIn('jonas');
    const chat = core.chat('mia');
    for (let at = 1; at <= 300; at += 1) core.put(chat, { text: `Message ${at}` });
    const timeline = new Timeline({ core, listen: (hear) => core.listen(hear) }, chat.room, 0);
    timeline.start();
    expect(await timeline.reach('message-20')).toBe(true);
    await calm();
    expect(texts(timeline)).toContain('Message 20');
  });

  test('what changes meanwhile is shown without losing the place', async () => {
    const { core, chat, timeline } = await opened(600);
    await timeline.reach('message-200');
    const before = texts(timeline);
    core.arrive(chat, 'Something new');
    await calm();
    expect(texts(timeline).slice(-before.length)).toEqual(before);
    expect([timeline.detached, timeline.newBelow]).toEqual([true, 1]);
  });
});
