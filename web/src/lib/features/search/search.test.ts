import { flushSync } from 'svelte';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { FakeCore, refuse } from '../../../dev/fake-core';
import { cutExcerpt, Search } from './search.svelte';

beforeEach(() => {
  vi.useFakeTimers();
});

function filled(): FakeCore {
  const core = new FakeCore().signedIn('jonas');
  const chat = core.chat('mia');
  for (let at = 0; at < 70; at += 1) core.put(chat, { text: `boat ${at}`, sent_at: at });
  return core;
}

const rest = () => vi.advanceTimersByTimeAsync(200);

describe('a search', () => {
  test('asks when typing rests, once', async () => {
    const core = filled();
    const search = new Search({ core });
    for (const typed of ['b', 'bo', 'boat']) search.type(typed);
    expect(search.working).toBe(true);
    await rest();
    expect(core.calls.filter(([goal]) => goal === 'search')).toEqual([['search', 'boat', null, 30]]);
    expect(search.hits?.length).toBe(30);
    expect(search.hits?.[0]?.excerpt).toBe('boat 69');
    expect(search.working).toBe(false);
  });

  test('goes on page by page until the end', async () => {
    const search = new Search({ core: filled() });
    search.type('boat');
    await rest();
    await search.loadMore();
    await search.loadMore();
    expect([search.hits?.length, search.more]).toEqual([70, false]);
    await search.loadMore();
    expect(search.hits?.length).toBe(70);
  });

  test('of two answers the one to the later question counts', async () => {
    const answers: ((value: { hits: never[]; next: null }) => void)[] = [];
    const search = new Search({ core: { search: () => new Promise((resolve) => answers.push(resolve)) } });
    search.type('one');
    const first = search.ask();
    search.type('two');
    const second = search.ask();
    answers[1]?.({ hits: [], next: null });
    await second;
    search.hits = null;
    answers[0]?.({ hits: [], next: null });
    await first;
    expect(search.hits).toBeNull();
  });

  test('an emptied field is no question', async () => {
    const core = filled();
    const search = new Search({ core });
    search.type('boat');
    await rest();
    search.type('  ');
    await rest();
    expect([search.hits, search.failure, search.working]).toEqual([null, null, false]);
    expect(core.calls.filter(([goal]) => goal === 'search').length).toBe(1);
  });

  test('what can be typed better is a hint, and what the device cannot do a failure', async () => {
    const core = filled();
    const search = new Search({ core });
    core.faults.set('search', refuse('search_date', 'This is no date.'));
    search.type('before:x');
    await rest();
    flushSync();
    expect([search.hint, search.trouble]).toEqual(['This is no date.', null]);
    core.faults.set('search', refuse('storage', 'This device could not read its data.'));
    await search.ask();
    expect([search.hint, search.trouble?.code]).toEqual([null, 'storage']);
    core.faults.clear();
    search.type('boat');
    await rest();
    expect([search.failure, search.hits?.length]).toEqual([null, 30]);
  });
});

describe('an excerpt', () => {
  test('is cut where something was found', () => {
    expect(
      cutExcerpt('the early boat', [
        [4, 9],
        [10, 14],
      ]),
    ).toEqual([
      { text: 'the ', found: false },
      { text: 'early', found: true },
      { text: ' ', found: false },
      { text: 'boat', found: true },
    ]);
    expect(cutExcerpt('', [])).toEqual([]);
  });

  test('loses nothing to places that are none', () => {
    for (const matches of [
      [[5, 2]],
      [[0, 99]],
      [
        [0, 3],
        [2, 4],
      ],
      [[-1, 2]],
    ] as [number, number][][]) {
      expect(
        cutExcerpt('boat', matches)
          .map(({ text }) => text)
          .join(''),
      ).toBe('boat');
    }
  });
});
