import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { FakeCore, refuse } from '../dev/fake-core';
import type { ReturnedView } from '../lib/protocol/generated';
import App from './App.svelte';

const user = userEvent.setup({ delay: null });
const STRONG = 'vier ruhige Otter im Nebel';

beforeEach(() => {
  vi.spyOn(document, 'hasFocus').mockReturnValue(true);
});

async function open(core: FakeCore, hash: string) {
  location.hash = hash;
  render(App, { open: () => Promise.resolve(core) });
  await screen.findAllByRole('heading', { level: 1 });
  return core;
}

const press = async (name: string) => user.click(await screen.findByRole('button', { name }));
const heading = (name: string) => screen.findByRole('heading', { name });
const asked = (core: FakeCore, goal: string) =>
  core.calls.filter(([one]) => one === goal).map(([, ...given]) => given);

describe('what opens the history', () => {
  test('is strict until a strong password is added, and says what that means', async () => {
    const core = await open(new FakeCore().signedIn('jonas'), '#/settings');
    expect(await heading('Recovery key or another device only')).toBeTruthy();
    await press('Add my password');
    expect(await screen.findByText(/Whoever runs this server, or steals it, can try passwords/)).toBeTruthy();
    const password = await screen.findByLabelText('Your password');
    await user.type(password, 'password123{Enter}');
    expect(await screen.findByText(/It is not strong enough/)).toBeTruthy();
    expect(asked(core, 'setHistoryPassword')).toEqual([]);
    await waitFor(() => expect(password).toHaveProperty('disabled', false));
    await user.clear(password);
    await user.type(password, `${STRONG}{Enter}`);
    expect(await heading('Recovery key, another device, or your password')).toBeTruthy();
    expect(asked(core, 'setHistoryPassword')).toEqual([[STRONG, null]]);
    await waitFor(() => expect(screen.queryByLabelText('Your password')).toBeNull());

    await press('Make it strict');
    await user.click(
      (await screen.findAllByRole('button', { name: 'Make it strict' })).at(-1) ?? document.body,
    );
    expect(await heading('Recovery key or another device only')).toBeTruthy();
  });

  test('a password that is not the account’s is refused at its field', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.faults.set('setHistoryPassword', refuse('wrong_credentials', 'The name or the password is wrong.'));
    await open(core, '#/settings');
    await press('Add my password');
    await user.type(await screen.findByLabelText('Your password'), `${STRONG}{Enter}`);
    expect(await screen.findByText('The name or the password is wrong.')).toBeTruthy();
  });

  test('where this device has no recovery key its words are asked for', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.ways = { ...core.ways, password: true, asks_for_words: true };
    await open(core, '#/settings');
    await press('Make it strict');
    await user.type(await screen.findByRole('textbox', { name: 'Recovery key' }), 'abandon ability');
    await user.click(
      (await screen.findAllByRole('button', { name: 'Make it strict' })).at(-1) ?? document.body,
    );
    await waitFor(() => expect(asked(core, 'setHistoryPassword')).toEqual([[null, 'abandon ability']]));
  });

  test('what is not known yet, or cannot be read, is said', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.ways = { ...core.ways, known: false };
    await open(core, '#/settings');
    expect(await heading('Not known yet')).toBeTruthy();
    core.faults.set('historyWays', refuse('storage', 'The storage cannot be read.'));
    core.emit({ type: 'account' });
    await waitFor(() =>
      expect(core.calls.filter(([goal]) => goal === 'historyWays').length).toBeGreaterThan(1),
    );
  });
});

describe('a member who started again', () => {
  const back = (change: Partial<ReturnedView> = {}): ReturnedView => ({
    former: 'account-mia',
    person: { account: 'account-mia-2', username: 'mia' },
    blocked: false,
    former_stays: false,
    ...change,
  });

  async function panel(returned: ReturnedView) {
    const core = new FakeCore().signedIn('jonas');
    const place = core.place('group', 'Boats', { returned: [returned] });
    await open(core, '#/chats/room-Boats');
    await press('About this group');
    expect(await screen.findByText(/started again under their name/)).toBeTruthy();
    return { core, place };
  }

  test('is let back in with one click', async () => {
    const { core, place } = await panel(back());
    await press('Let mia back in');
    await waitFor(() => expect(screen.queryByText(/started again under their name/)).toBeNull());
    expect(asked(core, 'letBackIn')).toEqual([[place.place, 'account-mia']]);
  });

  test('who had been compared is compared again first', async () => {
    await panel(back({ blocked: true }));
    const button = await screen.findByRole('button', { name: 'Let mia back in' });
    expect(button).toHaveProperty('disabled', true);
    expect(screen.getByRole('button', { name: 'Compare safety numbers with mia' })).toBeTruthy();
  });

  test('a refusal is shown', async () => {
    const { core } = await panel(back());
    core.faults.set('letBackIn', refuse('offline', 'The server cannot be reached.'));
    await press('Let mia back in');
    expect(await screen.findByText('The server cannot be reached.')).toBeTruthy();
  });
});
