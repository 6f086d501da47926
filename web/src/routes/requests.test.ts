import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, test } from 'vitest';

import { FakeCore, refuse } from '../dev/fake-core';
import App from './App.svelte';

const user = userEvent.setup({ delay: null });
const press = async (name: string | RegExp) => user.click(await screen.findByRole('button', { name }));

/** Mia is known, noor is a stranger who has written. */
function withStranger() {
  const core = new FakeCore().signedIn('jonas');
  core.person('jonas');
  core.put(core.chat('mia'), { text: 'Hello' });
  const noor = core.chat('noor', 1);
  Object.assign(noor, { request: true });
  core.put(noor, { text: 'Look at https://example.org/harbour' });
  return core;
}

async function open(core: FakeCore, hash = '#/chats') {
  location.hash = hash;
  render(App, { open: () => Promise.resolve(core) });
  await screen.findAllByRole('heading', { level: 1 });
  await waitFor(() => expect(screen.queryByText('Opening Conclave')).toBeNull());
  return core;
}

describe('a request', () => {
  test('stands apart, folded, and counts nothing', async () => {
    await open(withStranger());
    const chats = within(await screen.findByRole('list', { name: 'Chats' }));
    expect(chats.queryByText('noor')).toBeNull();
    expect(document.title).toBe('Chats · Conclave');
    expect(screen.queryByRole('list', { name: 'Requests' })).toBeNull();
    await press(/^Requests/);
    const requests = within(await screen.findByRole('list', { name: 'Requests' }));
    expect(requests.getByText('noor')).toBeTruthy();
    expect(requests.queryByText('1 unread')).toBeNull();
  });

  test('shows what was written, and links in it lead nowhere until it is accepted', async () => {
    const core = await open(withStranger(), '#/chats/room-noor');
    expect(await screen.findByRole('heading', { name: 'noor would like to write to you' })).toBeTruthy();
    const feed = within(await screen.findByRole('feed'));
    expect(feed.getByText(/example\.org/)).toBeTruthy();
    expect(feed.queryByRole('link')).toBeNull();
    await press('Accept');
    expect(core.calls).toContainEqual(['setPerson', 'account-noor', { accepted: true }]);
    await waitFor(() => expect(screen.queryByText('noor would like to write to you')).toBeNull());
    expect(await feed.findByRole('link')).toBeTruthy();
  });

  test('answering accepts it', async () => {
    await open(withStranger(), '#/chats/room-noor');
    await user.type(await screen.findByRole('textbox', { name: 'Message' }), 'Who are you?{Enter}');
    await waitFor(() => expect(screen.queryByText('noor would like to write to you')).toBeNull());
  });

  test('goes when it is deleted or its author is blocked, and the list stands there again', async () => {
    for (const [button, call] of [
      ['Delete', ['deleteRequest', 'room-noor']],
      ['Block', ['setPerson', 'account-noor', { blocked: true }]],
    ] as const) {
      const core = await open(withStranger(), '#/chats/room-noor');
      await press(button);
      expect(core.calls).toContainEqual(call);
      await waitFor(() => expect(location.hash).toBe('#/chats'));
      await waitFor(() => expect(screen.queryByRole('button', { name: /^Requests/ })).toBeNull());
      document.body.replaceChildren();
    }
  });

  test('stays, and says why, where it could not be decided', async () => {
    const core = await open(withStranger(), '#/chats/room-noor');
    core.faults.set('setPerson', refuse('settings_full', 'There is no room for more settings.'));
    await press('Accept');
    expect(await screen.findByText('There is no room for more settings.')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Accept' })).toBeTruthy();
  });
});

describe('somebody who is blocked', () => {
  test('is written to no more until they are unblocked', async () => {
    const core = withStranger();
    await core.setPerson('account-mia', { blocked: true });
    await open(core, '#/chats/room-mia');
    expect(await screen.findByRole('heading', { name: 'You blocked mia' })).toBeTruthy();
    expect(screen.queryByRole('textbox', { name: 'Message' })).toBeNull();
    await press('Unblock');
    expect(await screen.findByRole('textbox', { name: 'Message' })).toBeTruthy();
  });

  test('stands in the settings, from where they are unblocked', async () => {
    const core = withStranger();
    await core.setPerson('account-mia', { blocked: true });
    await open(core, '#/settings');
    const list = within(await screen.findByRole('list', { name: 'Blocked people' }));
    expect(list.getByText('mia')).toBeTruthy();
    await press('Unblock mia');
    expect(await list.findByText('You have blocked nobody.')).toBeTruthy();
  });

  test('is folded in a group, and unfolded where the person wants it', async () => {
    const core = withStranger();
    core.place('group', 'Otters');
    const group = core.chats.find((chat) => chat.room === 'room-Otters');
    if (!group) throw new Error('there is one');
    core.put(group, { text: 'Something loud', author: 'account-eve', blocked: true });
    await open(core, '#/chats/room-Otters');
    const feed = within(await screen.findByRole('feed'));
    expect(await feed.findByText(/Message of somebody you blocked/)).toBeTruthy();
    expect(feed.queryByText('Something loud')).toBeNull();
    await press('Show');
    expect(await feed.findByText('Something loud')).toBeTruthy();
  });
});

test('a name of one’s own stands in the list and above the chat', async () => {
  const core = await open(withStranger(), '#/chats/room-mia');
  await press('About this chat');
  await user.type(await screen.findByLabelText('Your name for mia'), 'Mia at the pier');
  await press('Save');
  expect(core.calls).toContainEqual(['setPerson', 'account-mia', { nickname: 'Mia at the pier' }]);
  await waitFor(() =>
    expect(screen.getAllByRole('heading', { name: 'Mia at the pier', hidden: true }).length).toBeGreaterThan(
      0,
    ),
  );
});
