import { describe, expect, test } from 'vitest';

import { FakeCore, failure } from '../../../dev/fake-core';
import type { MessageView } from '../../protocol/generated';
import { keepRows, layOut } from './rows';
import { bodyWords, deliveryWord, missingWords, spoken } from './spoken';

const NOON = new Date('2026-11-21T12:00:00').getTime();
const MINUTE = 60_000;

function message(minute: number, rest: Partial<MessageView> & { text?: string } = {}): MessageView {
  const core = new FakeCore();
  return core.put(core.chat('mia'), { id: `at-${minute}`, sent_at: NOON + minute * MINUTE, ...rest });
}

describe('how messages stand', () => {
  test('messages of one author within five minutes stand together', () => {
    const rows = layOut([message(0), message(4), message(10), message(11, { mine: true })], null);
    expect(rows.map((row) => [row.first, row.last])).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ]);
  });

  test('a row that is drawn as before stays the very same object', () => {
    const [one, two, three] = [message(0), message(10), message(11)];
    const before = layOut([one, two], null);
    const after = keepRows(before, layOut([one, two, three], null));
    expect(after[0]).toBe(before[0]);
    // It ends no group any more.
    expect(after[1]).not.toBe(before[1]);
    expect(after.map((row) => row.last)).toEqual([true, false, true]);
  });

  test('own messages stand together before the engine named their author', () => {
    const rows = layOut(
      [message(0, { mine: true, author: 'me' }), message(1, { mine: true, author: '' })],
      null,
    );
    expect(rows[1]?.first).toBe(false);
  });

  test('each day begins with its name', () => {
    const rows = layOut([message(-24 * 60), message(0), message(1)], null);
    expect(rows.map((row) => row.day)).toEqual([true, true, false]);
  });

  test('the unread line and missing messages part a group', () => {
    const rows = layOut([message(0), message(1), message(2, { missing_before: 2 })], 'at-1');
    expect(rows.map((row) => [row.unread, row.missing, row.first])).toEqual([
      [false, 0, true],
      [true, 0, true],
      [false, 2, true],
    ]);
  });

  test('messages that could not be opened stand as one line', () => {
    const closed = { body: { type: 'unopened' } } as const;
    const rows = layOut([message(0, closed), message(1, closed), message(2, closed), message(3)], null);
    expect(rows.map((row) => row.closed)).toEqual([3, 0]);
    expect(rows[0]?.message.id).toBe('at-2');
  });

  test('what was asked for and what is lost stand apart', () => {
    const closed = { body: { type: 'unopened' } } as const;
    const lost = { body: { type: 'lost', why: 'too_old' } } as const;
    const rows = layOut([message(0, lost), message(1, lost), message(2, closed)], null);
    expect(rows.map((row) => bodyWords(row.message, row.closed))).toEqual([
      '2 messages could not be opened and are too old to be repeated',
      'This message could not be opened yet and was asked for again',
    ]);
  });
});

describe('how messages are spoken', () => {
  const now = NOON + 60 * MINUTE;
  const plain = (text: string) => text.replace(/\u202f/g, ' ');

  test('author, text and time make one sentence', () => {
    expect(plain(spoken(message(0, { text: 'Hello' }), 'Mia', now))).toBe('Mia: Hello, today 12:00 PM');
  });

  test('an own message says how far it got', () => {
    const own = message(0, { text: 'Hello', mine: true, delivery: { type: 'delivered' } });
    expect(plain(spoken(own, 'Mia', now))).toBe('You: Hello, today 12:00 PM, delivered');
  });

  test('every state has its own word', () => {
    const words = (['queued', 'sent', 'delivered', 'read'] as const).map((type) => deliveryWord({ type }));
    expect(words).toEqual(['sending', 'sent', 'delivered', 'read']);
    expect(deliveryWord({ type: 'failed', failure: failure('forbidden') })).toBe('not sent');
    expect(deliveryWord({ type: 'received' })).toBeNull();
  });

  test('what is missing is told calmly', () => {
    expect(missingWords(1)).toBe('1 message is missing here');
    expect(missingWords(2)).toBe('2 messages are missing here');
  });
});
