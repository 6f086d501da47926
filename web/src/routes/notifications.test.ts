import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';

import { FakeCore, refuse } from '../dev/fake-core';
import { FakeWaking } from '../dev/fake-waking';
import App from './App.svelte';

const user = userEvent.setup({ delay: null });

function people() {
  const core = new FakeCore().signedIn('jonas');
  core.person('jonas');
  core.put(core.chat('mia'), { text: 'Hello' });
  return core;
}

/** Mia writes. */
function arrives(core: FakeCore, text: string) {
  const [chat] = core.chats;
  if (!chat) throw new Error('no chat');
  const message = core.put(chat, { text, author: 'account-mia' });
  core.emit({ type: 'arrived', room: 'room-mia', message: message.id, request: false });
}

async function open(core: FakeCore, waking: FakeWaking, hash = '#/settings') {
  location.hash = hash;
  render(App, { open: () => Promise.resolve(core), waking });
  await screen.findAllByRole('heading', { level: 1 });
  await waitFor(() => expect(screen.queryByText('Opening Conclave')).toBeNull());
}

const said = (core: FakeCore) =>
  core.calls.flatMap(([goal, intent]) => (goal === 'askAccount' ? [intent as { type: string }] : []));
const subscribed = (core: FakeCore) => said(core).filter((intent) => intent.type === 'subscribe').length;
const theSwitch = () => screen.findByRole<HTMLInputElement>('switch', { name: /^Notify me on this device/ });

/** As it was left on: the browser agrees and the person wants it. */
function wanted() {
  localStorage.setItem('conclave.notifications.account-jonas', 'on');
  const waking = new FakeWaking();
  waking.allowed = 'granted';
  return waking;
}

test('nobody is asked before they want it, and then the server is told where', async () => {
  const core = people();
  const waking = new FakeWaking();
  await open(core, waking);
  const on = await theSwitch();
  expect([on.checked, waking.held, subscribed(core)]).toEqual([false, null, 0]);
  await user.click(on);
  await waitFor(() => expect(subscribed(core)).toBe(1));
  await waitFor(() => expect([on.checked, on.disabled]).toEqual([true, false]));
  expect(said(core)).toContainEqual({
    type: 'subscribe',
    endpoint: 'https://push.example/key',
    p256dh: 'BA',
    auth: 'AA',
  });
  await user.click(on);
  await waitFor(() => expect(said(core)).toContainEqual({ type: 'unsubscribe' }));
  await waitFor(() => expect([on.checked, on.disabled]).toEqual([false, false]));
  expect(waking.held).toBeNull();
});

test('who refused in the browser is told how to undo it, and it follows when they do', async () => {
  const core = people();
  const waking = wanted();
  waking.allowed = 'denied';
  await open(core, waking);
  expect(await screen.findByText(/blocked in your browser/)).toBeTruthy();
  expect((await theSwitch()).disabled).toBe(true);
  waking.set('granted');
  await waitFor(async () => expect((await theSwitch()).checked).toBe(true));
  expect(screen.queryByText(/blocked in your browser/)).toBeNull();
});

test('a question that was closed without an answer leaves it off', async () => {
  const waking = new FakeWaking();
  waking.answer = 'default';
  await open(people(), waking);
  const on = await theSwitch();
  await user.click(on);
  await waitFor(() => expect([on.checked, on.disabled]).toEqual([false, false]));
  expect([waking.held, localStorage.getItem('conclave.notifications.account-jonas')]).toEqual([null, null]);
});

test('a browser without it, and one that has it on the home screen, say so', async () => {
  const waking = new FakeWaking();
  waking.support = 'after_install';
  await open(people(), waking);
  expect(await screen.findByText(/Add to Home Screen/)).toBeTruthy();
  expect(screen.queryByRole('switch', { name: /^Notify me/ })).toBeNull();
});

test('a server that wakes nobody is said, and the app still tells while it is open', async () => {
  const core = people();
  core.push = { key: null, subscribed: false };
  await open(core, wanted());
  expect(await screen.findByText(/This server wakes nobody/)).toBeTruthy();
  expect((await theSwitch()).checked).toBe(true);
});

test('where the server cannot be asked, it says so and comes to it later', async () => {
  const core = people();
  core.faults.set('askAccount', refuse('offline', 'The server cannot be reached.'));
  await open(core, wanted());
  const region = (await theSwitch()).closest<HTMLElement>('.notifications');
  if (!region) throw new Error('no settings');
  expect(await within(region).findByText('The server cannot be reached.')).toBeTruthy();
  core.faults.clear();
  await user.click(within(region).getByRole('button', { name: 'Try again' }));
  await waitFor(() => expect(subscribed(core)).toBe(1));
  await waitFor(() => expect(within(region).queryByText('The server cannot be reached.')).toBeNull());
});

test('a browser whose push service fails says what to look at', async () => {
  const waking = wanted();
  waking.broken = true;
  await open(people(), waking);
  expect(await screen.findByText(/could not reach its notification service/)).toBeTruthy();
});

test('a key that the server made anew is taken over', async () => {
  const core = people();
  const waking = wanted();
  waking.held = { endpoint: 'https://push.example/old', p256dh: 'BA', auth: 'AA', key: 'old' };
  core.push = { key: 'key', subscribed: true };
  await open(core, waking);
  await waitFor(() => expect(subscribed(core)).toBe(1));
  expect(waking.held?.key).toBe('key');
});

test('a chat that is muted is said to the server, once for several changes', async () => {
  const core = people();
  await open(core, wanted());
  await waitFor(() => expect(subscribed(core)).toBe(1));
  await waitFor(async () => expect((await theSwitch()).checked).toBe(true));
  await core.setChat('room-mia', { muted_until: 8_640_000_000_000_000 });
  await core.setChat('room-mia', { favourite: true });
  await waitFor(() => expect(subscribed(core)).toBe(2), { timeout: 5_000 });
});

test('what comes while the app is out of sight is shown by what is set of its chat', async () => {
  const core = people();
  const waking = wanted();
  await open(core, waking, '#/chats');
  await waitFor(() => expect(subscribed(core)).toBe(1));
  const hidden = vi.spyOn(document, 'hasFocus').mockReturnValue(false);
  arrives(core, 'Are you there?');
  await waitFor(() =>
    expect(waking.shown).toEqual([{ room: 'room-mia', title: 'mia', body: 'Are you there?' }]),
  );
  await core.setChat('room-mia', { muted_until: 8_640_000_000_000_000 });
  arrives(core, 'Psst');
  hidden.mockReturnValue(true);
  await core.setChat('room-mia', { muted_until: 0 });
  arrives(core, 'Seen anyway');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(waking.shown).toHaveLength(1);
  hidden.mockRestore();
});

test('names stay inside where the person wants that', async () => {
  const core = people();
  const waking = wanted();
  await open(core, waking);
  await user.click(await screen.findByRole('switch', { name: /^Show names and messages/ }));
  const hidden = vi.spyOn(document, 'hasFocus').mockReturnValue(false);
  arrives(core, 'A secret');
  await waitFor(() => expect(waking.shown.map(({ title }) => title)).toEqual(['New message']));
  expect(waking.shown.map(({ body }) => body)).toEqual(['Open Conclave to read it.']);
  hidden.mockRestore();
});

test('a notification that is pressed opens its chat', async () => {
  const waking = wanted();
  await open(people(), waking, '#/settings');
  await theSwitch();
  waking.tell({ type: 'open', room: 'room-mia' });
  expect(await screen.findByRole('region', { name: 'Chat with mia' })).toBeTruthy();
});

test('who signs out is woken no more in this browser', async () => {
  const core = people();
  const waking = wanted();
  await open(core, waking);
  await waitFor(() => expect(waking.held).not.toBeNull());
  core.accountView = { type: 'signed_out', person: { account: 'account-jonas', username: 'jonas' } };
  core.emit({ type: 'account' });
  await waitFor(() => expect(waking.held).toBeNull());
});
