import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { FakeCore, refuse } from '../../../dev/fake-core';
import { actionOfKey, actionsOf, thirdOf } from './actions';
import { Acts, UNDO_MS } from './acts.svelte';
import { NOBODY } from './people';
import { Timeline } from './timeline.svelte';

const SPOT = { left: 0, right: 0, top: 0, bottom: 0 };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function room() {
  const core = new FakeCore().signedIn('jonas');
  const chat = core.chat('mia');
  const theirs = core.put(chat, { text: 'Hello' });
  const mine = core.put(chat, { text: 'Hi', mine: true });
  const timeline = new Timeline({ core, listen: (hear) => core.listen(hear) }, chat.room, 0);
  const acts = new Acts(timeline, NOBODY, { account: 'account-jonas', username: 'jonas' });
  const asked = (goal: string) => core.calls.filter(([name]) => name === goal);
  return { core, chat, theirs, mine, acts, timeline, asked };
}

describe('what may be done with a message', () => {
  test('of others: no editing and no deletion for everyone', () => {
    const actions = actionsOf(
      { ...room().theirs, can: { ...room().theirs.can, delete_for_everyone: false } },
      false,
    );
    expect(actions).not.toContain('edit');
    expect(actions).not.toContain('delete_for_everyone');
    expect(thirdOf(actions)).toBe('thread');
  });

  test('of oneself: editing stands in the bar', () => {
    expect(thirdOf(actionsOf(room().mine, false))).toBe('edit');
  });

  test('what was not sent can be sent again or discarded', () => {
    const { mine } = room();
    const failed = {
      ...mine,
      delivery: { type: 'failed' as const, failure: { code: 'x', message: '', retry_after: null } },
    };
    expect(actionsOf(failed, false)).toEqual(['retry', 'copy', 'discard']);
  });

  test('within a thread there is no thread to open', () => {
    expect(actionsOf(room().mine, true)).not.toContain('thread');
  });

  test('letters do what the message offers and nothing else', () => {
    const { mine, theirs } = room();
    expect(actionOfKey('e', actionsOf(mine, false))).toBe('edit');
    expect(actionOfKey('e', actionsOf(theirs, false))).toBeNull();
    expect(actionOfKey('x', actionsOf(mine, false))).toBeNull();
  });
});

describe('deleting', () => {
  test('it is done after a while, and can be taken back before', async () => {
    const { acts, mine, asked } = room();
    acts.do('delete_for_everyone', mine, SPOT);
    expect(acts.leaving?.message.id).toBe(mine.id);
    acts.undoDelete();
    await vi.advanceTimersByTimeAsync(2 * UNDO_MS);
    expect(asked('deleteMessage')).toEqual([]);

    acts.do('delete_for_me', mine, SPOT);
    await vi.advanceTimersByTimeAsync(UNDO_MS + 10);
    expect(asked('deleteMessage')).toEqual([['deleteMessage', mine.id, false]]);
    expect(acts.leaving).toBeNull();
  });

  test('a second deletion does the first at once', async () => {
    const { acts, mine, theirs, asked } = room();
    acts.do('delete_for_everyone', mine, SPOT);
    acts.do('delete_for_me', theirs, SPOT);
    await vi.advanceTimersByTimeAsync(10);
    expect(asked('deleteMessage')).toEqual([['deleteMessage', mine.id, true]]);
    expect(acts.leaving?.message.id).toBe(theirs.id);
  });

  test('leaving the room does it', async () => {
    const { acts, mine, asked } = room();
    acts.do('delete_for_everyone', mine, SPOT);
    acts.stop();
    await vi.advanceTimersByTimeAsync(10);
    expect(asked('deleteMessage')).toHaveLength(1);
  });

  test('what cannot be deleted comes back with a reason', async () => {
    const { acts, mine, core, timeline } = room();
    core.faults.set('deleteMessage', refuse('storage', 'No disk.'));
    acts.do('delete_for_me', mine, SPOT);
    await vi.advanceTimersByTimeAsync(UNDO_MS + 10);
    expect(acts.leaving).toBeNull();
    expect(timeline.actionFailure?.message).toBe('No disk.');
  });
});

describe('reacting', () => {
  test('pressing an own reaction takes it back', async () => {
    const { acts, core, chat, theirs, asked } = room();
    acts.react(theirs, '👍');
    await vi.advanceTimersByTimeAsync(10);
    const now = core.messages(chat.room).find((message) => message.id === theirs.id);
    if (now) acts.react(now, '👍');
    await vi.advanceTimersByTimeAsync(10);
    expect(asked('react').map((call) => call[3])).toEqual([true, false]);
  });
});

describe('editing', () => {
  test('the same text asks for nothing', async () => {
    const { acts, mine, asked } = room();
    acts.do('edit', mine, SPOT);
    await acts.edit(mine, 'Hi');
    expect(acts.editing).toBeNull();
    expect(asked('editMessage')).toEqual([]);
  });

  test('an edit that the device could not keep stays open', async () => {
    const { acts, mine, core } = room();
    core.faults.set('editMessage', refuse('storage', 'No disk.'));
    acts.do('edit', mine, SPOT);
    await expect(acts.edit(mine, 'Hi there')).rejects.toThrow('No disk.');
    expect(acts.editing).toBe(mine.id);
  });
});
