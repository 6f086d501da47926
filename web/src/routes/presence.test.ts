import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';

import { FakeCore, refuse } from '../dev/fake-core';
import type { PresenceView, SignalsView } from '../lib/protocol/generated';
import App from './App.svelte';

const user = userEvent.setup({ delay: null });

function withMia(state: PresenceView['state'] = 'online') {
  const core = new FakeCore().signedIn('jonas');
  core.person('jonas');
  core.put(core.chat('mia'), { text: 'Hello' });
  core.signals.people = [{ account: 'account-mia', state, seen_at: null, seen_within: null }];
  return core;
}

async function open(core: FakeCore, hash = '#/chats/room-mia') {
  location.hash = hash;
  render(App, { open: () => Promise.resolve(core) });
  await screen.findAllByRole('heading', { level: 1 });
  await waitFor(() => expect(screen.queryByText('Opening Conclave')).toBeNull());
  return core;
}

const said = (core: FakeCore) =>
  core.calls.flatMap(([goal, intent]) => (goal === 'askAccount' ? [intent] : []));

test('who is there stands in words in the list and above the chat', async () => {
  await open(withMia('do_not_disturb'));
  const chats = within(await screen.findByRole('list', { name: 'Chats' }));
  expect(await chats.findByText('Do not disturb')).toBeTruthy();
  const chat = within(await screen.findByRole('region', { name: 'Chat with mia' }));
  expect(chat.getByText('Do not disturb')).toBeTruthy();
});

test('who types is told below the chat, politely, and gone when they stop', async () => {
  const core = await open(withMia());
  await screen.findByRole('region', { name: 'Chat with mia' });
  const typing = (people: SignalsView['typing'][0]['people']) =>
    core.emit({ type: 'signals', signals: { ...core.signals, typing: [{ room: 'room-mia', people }] } });
  typing([{ account: 'account-mia', username: 'mia' }]);
  const line = await screen.findByText('mia is typing…');
  expect(line.closest('[role=status]')).not.toBeNull();
  typing([]);
  await waitFor(() => expect(screen.queryByText('mia is typing…')).toBeNull());
});

test('writing is told once for many keys, and an emptied field says that it stopped', async () => {
  const core = await open(withMia());
  const field = await screen.findByRole('textbox', { name: 'Message' });
  await user.type(field, 'Hello there');
  await user.clear(field);
  const typed = said(core).filter((intent) => (intent as { type: string }).type === 'typing');
  expect(typed).toEqual([
    { type: 'typing', room: 'room-mia', active: true },
    { type: 'typing', room: 'room-mia', active: false },
  ]);
});

test('a status is chosen from the own picture', async () => {
  const core = await open(withMia());
  const [button] = await screen.findAllByRole('button', { name: 'Your status: Online' });
  if (button) await user.click(button);
  await user.click(await screen.findByRole('menuitem', { name: 'Invisible' }));
  expect(said(core)).toContainEqual({ type: 'choose', change: { availability: 'invisible' } });
  expect((await screen.findAllByRole('button', { name: 'Your status: Invisible' })).length).toBeGreaterThan(
    0,
  );
});

test('a choice that did not come about says why and is taken back', async () => {
  const core = await open(withMia(), '#/settings');
  const receipts = await screen.findByRole<HTMLInputElement>('switch', { name: /^Receipts/ });
  core.faults.set('askAccount', refuse('offline', 'The server cannot be reached.'));
  await user.click(receipts);
  expect(await screen.findByText('The server cannot be reached.')).toBeTruthy();
  expect(receipts.checked).toBe(true);
  core.faults.clear();
  await user.click(receipts);
  await waitFor(() => expect(receipts.checked).toBe(false));
  expect(said(core)).toContainEqual({ type: 'choose', change: { receipts: false } });
  expect(screen.queryByText('The server cannot be reached.')).toBeNull();
});
