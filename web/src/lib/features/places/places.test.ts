import { describe, expect, test } from 'vitest';

import { FakeCore } from '../../../dev/fake-core';
import type { MemberView } from '../../protocol/generated';
import { channelGroups, findMembers, memberActs, rolesToGive } from './members';
import { PeoplePicker } from './people-picker.svelte';
import { PERMISSIONS, permissionsFor } from './permissions';
import { inviteWords, may, policyLines, rolesWords, stateWords } from './words';

const role = (number: number, title: string | null, rank: number) => ({
  role: number,
  title,
  colour: null,
  rank,
  permissions: [],
  members: 1,
});

function member(name: string, change: Partial<MemberView> = {}): MemberView {
  return {
    account: `account-${name}`,
    username: name,
    nickname: null,
    roles: [],
    rank: 0,
    is_owner: false,
    muted_until: null,
    joined: 1,
    below_me: true,
    ...change,
  };
}

function group(...permissions: string[]) {
  const core = new FakeCore().signedIn('jonas');
  return core.place('group', 'Boats', {
    permissions,
    rank: 10,
    roles: [role(3, 'Crew', 5), role(0, null, 0)],
  });
}

describe('what a member may do with another', () => {
  test('nothing but writing to them without a permission', () => {
    expect(memberActs(group(), member('mia'), 'account-jonas', 0)).toEqual(['message']);
  });

  test('each permission opens its act', () => {
    const place = group('manage_roles', 'manage_nicknames', 'timeout', 'kick', 'ban');
    expect(memberActs(place, member('mia'), 'account-jonas', 0)).toEqual([
      'message',
      'roles',
      'nickname',
      'mute',
      'remove',
      'ban',
    ]);
  });

  test('nothing against somebody who stands as high', () => {
    const place = group('manage_roles', 'timeout', 'kick', 'ban');
    expect(memberActs(place, member('mia', { below_me: false }), 'account-jonas', 0)).toEqual(['message']);
  });

  test('of oneself one changes the nickname', () => {
    expect(memberActs(group('change_nickname', 'kick'), member('jonas'), 'account-jonas', 0)).toEqual([
      'nickname',
    ]);
  });

  test('whoever is muted can be let write again', () => {
    const muted = member('mia', { muted_until: 100 });
    expect(memberActs(group('timeout'), muted, 'account-jonas', 50)).toContain('unmute');
    expect(memberActs(group('timeout'), muted, 'account-jonas', 200)).toContain('mute');
  });

  test('in a disputed place nobody may do anything', () => {
    const place = { ...group('kick'), disputed: { code: 'place_forked', message: '', retry_after: null } };
    expect(may(place, 'kick')).toBe(false);
  });

  test('only roles below the own one are given', () => {
    const place = {
      ...group('manage_roles'),
      roles: [role(4, 'Captain', 10), role(3, 'Crew', 5), role(0, null, 0)],
    };
    expect(rolesToGive(place).map((one) => one.title)).toEqual(['Crew']);
  });
});

test('members are found by name and by handle', () => {
  const members = [member('mia'), member('paul', { nickname: 'The Captain' })];
  expect(findMembers(members, '@mi').map((one) => one.username)).toEqual(['mia']);
  expect(findMembers(members, 'cap').map((one) => one.username)).toEqual(['paul']);
  expect(findMembers(members, 'pau').map((one) => one.username)).toEqual(['paul']);
});

test('channels stand in their categories, those without one first', () => {
  const place = new FakeCore().signedIn('jonas').place('community', 'Harbour');
  const [general] = place.channels;
  if (!general) throw new Error('no channel');
  const channels = [
    { ...general, channel: 5, category: 9, position: 1 },
    { ...general, channel: 4, category: 9, position: 0 },
    { ...general, channel: 2, category: null },
    { ...general, channel: 3, category: 77 },
  ];
  const groups = channelGroups({
    ...place,
    channels,
    categories: [{ category: 9, title: 'Work', position: 0 }],
  });
  expect(
    groups.map((one) => [one.category?.title ?? null, one.channels.map((channel) => channel.channel)]),
  ).toEqual([
    [null, [2, 3]],
    ['Work', [4, 5]],
  ]);
});

describe('words', () => {
  test('an invite says what it gives', () => {
    const invite = {
      invite: 1,
      by: 'a',
      uses_left: 1,
      expires: null,
      approval: true,
      roles: [3],
      link: null,
    };
    expect(inviteWords(invite, [role(3, 'Crew', 5)])).toBe(
      '1 use left · never ends · somebody has to agree · gives Crew',
    );
  });

  test('the owner and the roles stand beside a name', () => {
    expect(rolesWords(member('mia', { is_owner: true, roles: [3] }), [role(3, 'Crew', 5)])).toBe(
      'Owner, Crew',
    );
  });

  test('a policy says what newcomers read, and what is unusual', () => {
    const policy = group().policy;
    expect(policyLines(policy)).toEqual(['Newcomers read from when they join']);
    expect(policyLines({ ...policy, history: true, slow_mode: 30, disappearing: 86_400 })).toEqual([
      'Newcomers read what was said before',
      'Messages disappear after 1 day',
      'One message each 30 seconds',
    ]);
  });

  test('a reason is told where there is one', () => {
    expect(stateWords({ type: 'removed', by: 'a', reason: 'spam' }, 'group')).toContain('(“spam”)');
    expect(stateWords({ type: 'removed', by: 'a', reason: null }, 'group')).not.toContain('(');
    expect(stateWords({ type: 'member' }, 'group')).toBeNull();
  });

  test('no permission stands twice, and groups have none of channels', () => {
    const names = PERMISSIONS.flatMap((one) => one.permissions.map((permission) => permission.name));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(27);
    expect(JSON.stringify(permissionsFor(false))).not.toContain('channels');
  });
});

describe('choosing people', () => {
  function picker() {
    const core = new FakeCore().signedIn('jonas');
    const known = [core.person('mia'), core.person('mirko')];
    core.person('paul');
    return { core, picker: new PeoplePicker(core, known, ['account-mirko']) };
  }

  test('those one writes with are offered, without those who are in already', () => {
    const { picker: people } = picker();
    people.typed = 'mi';
    expect(people.offered.map((person) => person.username)).toEqual(['mia']);
  });

  test('others are found by their name', async () => {
    const { picker: people } = picker();
    people.typed = '@Paul';
    await people.take();
    expect(people.chosen.map((person) => person.username)).toEqual(['paul']);
    expect(people.typed).toBe('');
  });

  test('whom nobody knows, and what is no name, is told in words', async () => {
    const { core, picker: people } = picker();
    people.typed = 'nobody';
    await people.take();
    expect(people.problem).toContain('Nobody here');
    people.typed = 'not a name';
    await people.take();
    expect(people.problem).toContain('whole name');
    expect(core.calls.filter(([goal]) => goal === 'findPerson')).toHaveLength(1);
  });

  test('nobody is chosen twice, and who is in already is not chosen', async () => {
    const { picker: people } = picker();
    people.typed = 'paul';
    await people.take();
    people.typed = 'paul';
    await people.take();
    people.typed = 'mirko';
    await people.take();
    expect(people.chosen).toHaveLength(1);
    expect(people.problem).toContain('already');
  });
});
