import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';

import { FakeCore, refuse } from '../dev/fake-core';
import App from './App.svelte';

const user = userEvent.setup({ delay: null });
const press = async (name: string) => user.click(await screen.findByRole('button', { name }));

function withMia() {
  const core = new FakeCore().signedIn('jonas');
  core.person('jonas');
  const chat = core.chat('mia');
  core.put(chat, { text: 'Hello' });
  return core;
}

async function open(core: FakeCore, hash = '#/chats/room-mia') {
  location.hash = hash;
  render(App, { open: () => Promise.resolve(core) });
  await screen.findAllByRole('heading', { level: 1 });
  await waitFor(() => expect(screen.queryByText('Opening Conclave')).toBeNull());
  return core;
}

const marks = () => document.querySelectorAll('header [data-verified]').length;

test('the safety number is twelve groups of five, and who compared marks the person', async () => {
  const core = await open(withMia());
  expect(marks()).toBe(0);
  await press('About this chat');
  await press('Compare');
  const groups = within(await screen.findByRole('list', { name: 'Safety number' })).getAllByRole('listitem');
  expect(groups.map((group) => group.textContent)).toHaveLength(12);
  expect(groups.every((group) => /^\d{5}$/.test(group.textContent))).toBe(true);
  await press('They match');
  expect(core.calls).toContainEqual(['judge', 'account-mia', 'verified']);
  expect(await screen.findByRole('heading', { name: 'Verified' })).toBeTruthy();
  await waitFor(() => expect(marks()).toBe(1));
  await press('Remove the mark');
  await waitFor(() => expect(marks()).toBe(0));
});

test('a code that does not fit is told at its field and marks nobody', async () => {
  await open(withMia());
  await press('About this chat');
  await press('Compare');
  await user.click(await screen.findByText('Compare by code instead'));
  await user.type(await screen.findByLabelText('What mia shows'), 'differs');
  await press('Compare');
  expect(await screen.findByText(/The numbers do not match/)).toBeTruthy();
  expect(marks()).toBe(0);
});

test('a scanned code is compared at once', async () => {
  const core = await open(withMia(), '#/verify/mia/account-mia/code');
  expect(await screen.findByText(/The codes match/)).toBeTruthy();
  expect(core.calls).toContainEqual(['compareSafetyCode', 'account-mia', 'code']);
});

test('what changed says in words which devices came and went', async () => {
  await open(withMia());
  await press('About this chat');
  await press('What changed');
  const rows = within(await screen.findByRole('list', { name: 'What changed' })).getAllByRole('listitem');
  expect(rows[0]?.textContent).toContain('Device 2 was removed, by Device 3');
  expect(rows.at(-1)?.textContent).toContain('The account was made');
});

test('a profile that cannot be read says so and is asked for again', async () => {
  const core = withMia();
  core.faults.set('profile', refuse('storage', 'This device could not read its data.'));
  await open(core);
  await press('About this chat');
  expect((await screen.findByRole('alert')).textContent).toContain('could not read');
  core.faults.delete('profile');
  await press('Try again');
  expect(await screen.findByRole('button', { name: 'Compare' })).toBeTruthy();
});

test('behind somebody compared nothing can be written before one chose', async () => {
  const core = withMia();
  core.standings.set('account-mia', 'blocked');
  await open(core);
  expect(await screen.findByRole('heading', { name: 'This is not the mia whom you compared' })).toBeTruthy();
  expect(screen.queryByRole('textbox', { name: 'Message' })).toBeNull();
  await press('Accept…');
  expect(core.calls.some(([goal]) => goal === 'judge')).toBe(false);
  await press('Write without comparing');
  expect(await screen.findByRole('textbox', { name: 'Message' })).toBeTruthy();
  expect(core.calls).toContainEqual(['judge', 'account-mia', 'accepted']);
});

test('a choice that could not be stored is told, and nothing is written', async () => {
  const core = withMia();
  core.standings.set('account-mia', 'blocked');
  core.faults.set('judge', refuse('storage', 'Make room on the disk.'));
  await open(core);
  await press('Accept…');
  await press('Write without comparing');
  expect((await screen.findByRole('alert')).textContent).toContain('Make room');
  expect(screen.queryByRole('textbox', { name: 'Message' })).toBeNull();
});

test('a new identity is one line in its chat, with a way to check', async () => {
  const core = withMia();
  const [chat] = core.chats;
  if (!chat) throw new Error('There is a chat.');
  core.put(chat, { body: { type: 'identity_changed' } });
  core.standings.set('account-mia', 'changed');
  await open(core);
  await press('Check that it is them');
  expect(
    await screen.findByText(/mia has a new identity\. Usually .* compare the safety number/s),
  ).toBeTruthy();
});
