import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { FakeCore, refuse } from '../dev/fake-core';
import type { MemberView, PlaceView } from '../lib/protocol/generated';
import App from './App.svelte';

const user = userEvent.setup({ delay: null });

beforeEach(() => {
  vi.spyOn(document, 'hasFocus').mockReturnValue(true);
});

async function open(core: FakeCore, hash: string) {
  location.hash = hash;
  render(App, { open: () => Promise.resolve(core) });
  await screen.findAllByRole('heading', { level: 1 });
  return core;
}

const press = async (name: string | RegExp) => user.click(await screen.findByRole('button', { name }));
const field = (name: string) => screen.findByRole('textbox', { name });
const articles = async () =>
  within(await screen.findByRole('feed', { name: 'Messages' })).getAllByRole('article');

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

function group(change: Partial<PlaceView> = {}) {
  const core = new FakeCore().signedIn('jonas');
  const place = core.place('group', 'Boats', change);
  core.members.set(place.place, [member('mia', { nickname: 'Oars' }), member('paul'), member('jonas')]);
  const chat = core.chats[0];
  if (!chat) throw new Error('no chat');
  core.put(chat, { author: 'account-mia', text: 'Saturday?' });
  core.put(chat, { author: 'account-paul', text: 'Yes' });
  return { core, place, chat };
}

describe('a group', () => {
  test('says above each message who wrote it, as they are called there', async () => {
    const { core } = group();
    await open(core, '#/chats/room-Boats');
    await waitFor(async () =>
      expect((await articles()).map((row) => row.getAttribute('aria-label')?.split(':')[0])).toEqual([
        'Oars',
        'paul',
      ]),
    );
  });

  test('a mention is sent with the account that it names', async () => {
    const { core } = group();
    await open(core, '#/chats/room-Boats');
    const composer = await field('Message');
    await screen.findByText('Oars');
    await user.type(composer, 'Ask @pa');
    expect(await screen.findByRole('option', { name: /paul/ })).toBeTruthy();
    await user.keyboard('{Enter}first{Enter}');
    expect(core.calls).toContainEqual([
      'sendText',
      'room-Boats',
      'Ask @paul first',
      { mentions: ['account-paul'] },
    ]);
  });

  test('where nobody writes the field gives way to the reason', async () => {
    const { core, chat } = group();
    chat.posting = { type: 'read_only' };
    await open(core, '#/chats/room-Boats');
    expect(await screen.findByText(/it is read-only/)).toBeTruthy();
    expect(screen.queryByRole('textbox', { name: 'Message' })).toBeNull();
  });

  test('removing somebody takes a reason and says why it did not come about', async () => {
    const { core } = group({ permissions: ['kick'], rank: 10 });
    await open(core, '#/chats/room-Boats');
    await press('About this group');
    await press(/^People/);
    await press('More about paul');
    await user.click(await screen.findByRole('menuitem', { name: 'Remove' }));
    await user.type(await field('Reason'), 'spam');
    core.faults.set('changePlace', refuse('place_not_allowed', 'Your role does not allow this.'));
    await press('Remove');
    expect(await screen.findByText('Your role does not allow this.')).toBeTruthy();
    core.faults.clear();
    await press('Remove');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(core.calls.filter(([goal]) => goal === 'changePlace').at(-1)).toEqual([
      'changePlace',
      'place-Boats',
      { type: 'remove', account: 'account-paul', reason: 'spam' },
    ]);
  });

  test('closing it for everybody wants the word typed', async () => {
    const { core } = group({ is_owner: true });
    await open(core, '#/chats/room-Boats');
    await press('About this group');
    await press('Hand over or close');
    const button = await screen.findByRole<HTMLButtonElement>('button', { name: 'Close this group' });
    expect(button.disabled).toBe(true);
    await user.type(await field('Type “close” to go on'), 'close');
    await user.click(button);
    expect(core.calls).toContainEqual(['changePlace', 'place-Boats', { type: 'close' }]);
  });
});

describe('a new group', () => {
  test('is made with the people who were chosen, and opens', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.chat('mia');
    await open(core, '#/chats');
    await user.click((await screen.findAllByRole('button', { name: 'New chat' }))[0] ?? document.body);
    await press('New group');
    await user.type(await field('Name'), 'Boat trip');
    await press('mia');
    await press('Make group');
    await waitFor(() => expect(location.hash).toBe('#/chats/room-Boat%20trip'));
    expect(core.calls).toContainEqual(['createPlace', 'group', 'Boat trip', ['account-mia']]);
  });
});

describe('an invite', () => {
  function invited(approval = false) {
    const core = new FakeCore().signedIn('jonas');
    const place = core.place('community', 'Harbour');
    core.preview = {
      place: place.place,
      kind: 'community',
      title: 'Harbour',
      description: null,
      icon: null,
      members: 12,
      inviter: { account: 'account-mia', username: 'mia' },
      approval,
      is_member: false,
      is_waiting: false,
    };
    return core;
  }

  test('shows where it leads, and joining opens the first channel without its secret in the address', async () => {
    const core = await open(invited(), '#/join/AQID');
    expect(await screen.findByText('Invited by mia')).toBeTruthy();
    await press('Join');
    await waitFor(() => expect(location.hash).toBe('#/chats/room-Harbour'));
    expect(core.calls).toContainEqual(['joinPlace', 'AQID']);
  });

  test('where somebody has to agree it says so', async () => {
    await open(invited(true), '#/join/AQID');
    await press('Ask to join');
    expect(await screen.findByRole('heading', { name: 'You asked to join' })).toBeTruthy();
  });

  test('one that ended says what to do', async () => {
    const core = invited();
    core.faults.set('previewInvite', refuse('place_invite_invalid', 'Ask for a new one.'));
    await open(core, '#/join/AQID');
    expect(await screen.findByRole('heading', { name: 'This invite ended' })).toBeTruthy();
    expect(screen.getByText('Ask for a new one.')).toBeTruthy();
  });

  test('is still there after signing in', async () => {
    const core = invited();
    const { accountView } = core;
    core.accountView = { type: 'none' };
    await open(core, '#/join/AQID');
    expect(await screen.findByText(/invited to join something/)).toBeTruthy();
    await press('Sign in');
    core.accountView = accountView;
    core.emit({ type: 'account' });
    expect(await screen.findByText('Invited by mia')).toBeTruthy();
  });
});

describe('a community', () => {
  test('its channels stand in the list’s place, and not among the chats', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.place('community', 'Harbour');
    core.chat('mia');
    await open(core, '#/chats/room-Harbour');
    const channels = await screen.findByRole('navigation', { name: 'Channels' });
    expect(
      within(channels)
        .getByRole('link', { name: /general/ })
        .getAttribute('aria-current'),
    ).toBe('page');
    location.hash = '#/chats';
    const list = await screen.findByRole('list', { name: 'Chats' });
    expect(within(list).getAllByRole('link')).toHaveLength(1);
  });
});
