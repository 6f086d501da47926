import { describe, expect, test } from 'vitest';

import { noticeWords } from '../../format/notices';
import { blockedWords } from './posting';

const naming = { nameOf: (account: string) => account, own: 'jonas' };
const words = (notice: Parameters<typeof noticeWords>[0], by = 'mia') => noticeWords(notice, by, naming);

describe('what happened, in words', () => {
  test('who did it stands first, and the own account is you', () => {
    expect(words({ type: 'removed', account: 'paul', reason: 'spam' })).toBe('mia removed paul: spam');
    expect(words({ type: 'removed', account: 'jonas', reason: null })).toBe('mia removed you');
    expect(words({ type: 'renamed', title: 'Boats' }, 'jonas')).toBe('You changed the name to “Boats”');
  });

  test('people come in by an invite, by leave or because somebody added them', () => {
    expect(words({ type: 'joined', account: 'paul', how: 'invited' })).toBe('paul joined by an invite');
    expect(words({ type: 'joined', account: 'paul', how: 'approved' })).toBe('mia let paul in');
    expect(words({ type: 'joined', account: 'jonas', how: 'added' })).toBe('mia added you');
  });

  test('roles that were given and taken are one sentence', () => {
    expect(words({ type: 'roles_changed', account: 'paul', given: ['Crew'], taken: ['Guest'] })).toBe(
      'mia gave paul the role Crew and took the role Guest from paul',
    );
  });

  test('a nickname is one’s own or given', () => {
    expect(words({ type: 'nickname_changed', account: 'mia', nickname: 'Oars' })).toBe(
      'mia will be called “Oars” here',
    );
    expect(words({ type: 'nickname_changed', account: 'paul', nickname: null })).toBe(
      'mia took the nickname from paul',
    );
  });
});

describe('why one cannot write', () => {
  test('where one can there is no reason', () => expect(blockedWords({ type: 'allowed' }, null)).toBeNull());

  test('each reason is a sentence that ends', () => {
    const reasons = [
      blockedWords({ type: 'read_only' }, null),
      blockedWords({ type: 'archived' }, null),
      blockedWords({ type: 'muted', until: 0 }, null),
      blockedWords({ type: 'forbidden' }, null),
      blockedWords({ type: 'closed' }, null),
      blockedWords({ type: 'disputed' }, null),
      blockedWords({ type: 'not_member' }, null),
      blockedWords({ type: 'not_member' }, { type: 'removed', by: 'mia', reason: 'spam' }),
      blockedWords({ type: 'not_member' }, { type: 'left' }),
      blockedWords({ type: 'not_member' }, { type: 'waiting' }),
    ];
    for (const reason of reasons) expect(reason).toMatch(/\.$/u);
    expect(new Set(reasons).size).toBe(reasons.length);
  });
});
