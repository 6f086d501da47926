import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { FakeCore, refuse } from '../dev/fake-core';
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

const press = async (name: string) => user.click(await screen.findByRole('button', { name }));
const last = async (name: string) =>
  user.click((await screen.findAllByRole('button', { name })).at(-1) ?? document.body);
const intents = (core: FakeCore) =>
  core.calls.filter(([goal]) => goal === 'askAccount').map(([, intent]) => intent as { type: string });

async function confirm() {
  await user.type(await screen.findByLabelText('Your password'), 'a long password{Enter}');
}

function login(name: string, current = false) {
  return {
    login: `login-of-${name}`,
    device: current ? 0 : 1,
    name,
    created_at: Date.now() - 3_600_000,
    refreshed_at: Date.now() - 60_000,
    connected: current,
    current,
  };
}

describe('the second step', () => {
  test('is asked for behind the password', async () => {
    const core = new FakeCore();
    core.secondStep = { on: true, since: 1, backup_codes: 3 };
    await open(core, '#/sign-in');
    expect(screen.queryByLabelText('Code')).toBeNull();
    await user.type(await screen.findByLabelText('Name'), 'jonas');
    await user.type(screen.getByLabelText('Password'), 'a long password{Enter}');
    await user.type(await screen.findByLabelText('Code'), '123456{Enter}');
    await waitFor(() =>
      expect(core.calls.filter(([goal]) => goal === 'signIn')).toEqual([
        ['signIn', 'jonas', 'a long password'],
        ['signIn', 'jonas', 'a long password', '123456'],
      ]),
    );
  });

  test('is set up with a fresh proof of the password, and shows its backup codes once', async () => {
    const core = await open(new FakeCore().signedIn('jonas'), '#/settings');
    await press('Set it up');
    await confirm();
    await user.type(await screen.findByLabelText('Code that the app shows'), '000000{Enter}');
    expect(await screen.findByText('This code is wrong.')).toBeTruthy();
    await user.clear(screen.getByLabelText('Code that the app shows'));
    await user.type(screen.getByLabelText('Code that the app shows'), '123456{Enter}');
    const codes = await screen.findByRole('list', { name: 'Backup codes' });
    expect(within(codes).getAllByRole('listitem')).toHaveLength(3);
    await press('I have kept them');
    expect(await screen.findByText(/3 backup codes are left/)).toBeTruthy();
    expect(screen.queryByText('4gh7k2-mnpq8r-stv0wx-yza1b2')).toBeNull();
    expect(intents(core).filter(({ type }) => type === 'prove')).toHaveLength(1);
  });

  test('stays as it is where the proof is given up', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.secondStep = { on: true, since: 1, backup_codes: 3 };
    await open(core, '#/settings');
    await press('Switch it off');
    await last('Switch it off');
    await press('Cancel');
    await waitFor(() => expect(screen.queryByLabelText('Your password')).toBeNull());
    expect(core.secondStep.on).toBe(true);
  });

  test('that could not be read says so and is read again', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.faults.set('askAccount', refuse('offline', 'The server cannot be reached.'));
    await open(core, '#/settings');
    expect((await screen.findAllByText('The server cannot be reached.')).length).toBeGreaterThan(0);
    core.faults.clear();
    for (const again of screen.getAllByRole('button', { name: 'Try again' })) await user.click(again);
    expect(await screen.findByRole('button', { name: 'Set it up' })).toBeTruthy();
  });
});

describe('logins', () => {
  test('are listed, and end one by one or all but this one', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.logins = [login('Chromium on Linux', true), login('Phone'), login('Old laptop')];
    await open(core, '#/settings');
    const list = await screen.findByRole('list', { name: 'Logins' });
    expect(within(list).getAllByRole('listitem')).toHaveLength(3);
    await press('End the login of Phone');
    await waitFor(() => expect(within(list).getAllByRole('listitem')).toHaveLength(2));
    await press('Sign out everywhere else');
    expect(await screen.findByText('You are signed in nowhere else.')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'End the login of Chromium on Linux' })).toBeNull();
  });
});

describe('the password', () => {
  test('is replaced by who shows the old one', async () => {
    const core = await open(new FakeCore().signedIn('jonas'), '#/settings');
    await press('Replace it');
    await user.type(await screen.findByLabelText('New password'), 'quite another password{Enter}');
    await confirm();
    expect(await screen.findByText('Your password is replaced.')).toBeTruthy();
    expect(intents(core).filter(({ type }) => type === 'change_password')).toHaveLength(2);
  });
});

describe('the account', () => {
  test('ends by who types its name and shows the password', async () => {
    const core = await open(new FakeCore().signedIn('jonas'), '#/settings');
    await press('End my account');
    await user.type(await screen.findByLabelText('Type “jonas” to go on'), 'jonas{Enter}');
    await confirm();
    await waitFor(() => expect(core.accountView.type).toBe('none'));
  });
});

describe('administration', () => {
  function administrator() {
    const core = new FakeCore().signedIn('jonas', { administrator: true });
    core.accounts = ['ben', 'zoe'].map((username) => ({
      account: `account-${username}`,
      username,
      administrator: false,
      created_at: 1,
      seen_at: null,
      suspended: false,
      closed: false,
      devices: 1,
      second_step: false,
    }));
    return core;
  }

  test('says who may register, with a fresh proof of the password', async () => {
    const core = await open(administrator(), '#/settings');
    await user.click(await screen.findByRole('radio', { name: 'Nobody' }));
    await confirm();
    await waitFor(() => expect(core.registration).toBe('closed'));
    expect(await screen.findByText(/not even with an invite link/)).toBeTruthy();
  });

  test('makes an invite, lists it and withdraws it', async () => {
    const core = await open(administrator(), '#/settings');
    await press('Make an invite link');
    expect(await screen.findByLabelText('Invite link')).toBeTruthy();
    const list = await screen.findByRole('list', { name: 'Invites' });
    await user.click(await within(list).findByRole('button'));
    expect(await screen.findByText(/Withdrawn/)).toBeTruthy();
    expect(core.invites[0]?.revoked).toBe(true);
  });

  test('finds somebody and suspends them', async () => {
    const core = await open(administrator(), '#/settings');
    await user.type(await screen.findByLabelText('Find by name'), 'zoe{Enter}');
    const list = await screen.findByRole('list', { name: 'Accounts' });
    await waitFor(() => expect(within(list).getAllByRole('listitem')).toHaveLength(1));
    await press('Suspend zoe');
    await confirm();
    expect(await screen.findByText('Suspended')).toBeTruthy();
    expect(core.accounts.map(({ suspended }) => suspended)).toEqual([false, true]);
    await press('Let zoe in again');
    await waitFor(() => expect(core.accounts.some(({ suspended }) => suspended)).toBe(false));
  });

  test('that opened the server lets everybody make an account', async () => {
    const core = new FakeCore();
    core.serverState = { name: 'Lighthouse', needsSetup: false, registration: 'open' };
    await open(core, '#/');
    await press('Make an account');
    await waitFor(() => expect(location.hash).toBe('#/invite/open'));
  });

  test('that closed the server says so', async () => {
    const core = new FakeCore();
    core.serverState = { name: 'Lighthouse', needsSetup: false, registration: 'closed' };
    await open(core, '#/');
    expect(await screen.findByText('This server takes no new people at the moment.')).toBeTruthy();
  });

  test('is shown to nobody else', async () => {
    await open(new FakeCore().signedIn('jonas'), '#/settings');
    expect(screen.queryByRole('heading', { name: 'Registration' })).toBeNull();
    expect(screen.queryByRole('heading', { name: 'Accounts' })).toBeNull();
  });
});
