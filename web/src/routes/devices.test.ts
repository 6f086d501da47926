import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, test } from 'vitest';

import { FakeCore, failure, refuse } from '../dev/fake-core';
import App from './App.svelte';

const user = userEvent.setup({ delay: null });

async function open(core: FakeCore, hash = '#/') {
  location.hash = hash;
  render(App, { open: () => Promise.resolve(core) });
  await screen.findAllByRole('heading', { level: 1 });
  await waitFor(() => expect(screen.queryByText('Opening Conclave')).toBeNull());
  return core;
}

const field = (name: string) => screen.findByRole('textbox', { name });
const press = async (name: string) => user.click(await screen.findByRole('button', { name }));
const heading = (name: string | RegExp) => screen.findByRole('heading', { name });
const goals = (core: FakeCore) => core.calls.map(([goal]) => goal);
const jonas = () => new FakeCore().signedIn('jonas');
const account = (core: FakeCore) => core.emit({ type: 'account' });

async function signIn() {
  await user.type(await field('Name'), 'jonas');
  await user.type(screen.getByLabelText('Password'), 'four boats{Enter}');
}

describe('a new device with the password', () => {
  test('it is named after its browser, waits, shows six digits and gets in', async () => {
    const core = new FakeCore();
    core.elsewhere = true;
    await open(core, '#/sign-in');
    await signIn();
    expect(await heading('Approve this device')).toBeTruthy();
    expect(goals(core).indexOf('renameDevice')).toBeLessThan(goals(core).indexOf('signIn'));
    expect(screen.getByRole('timer').textContent).toMatch(/^(10:00|9:5\d)$/);
    account(core.joining({ digits: '418902', step: { type: 'confirming' } }));
    expect(await screen.findByText('The six digits: 4 1 8, 9 0 2.')).toBeTruthy();
    account(core.signedIn('jonas'));
    expect(await heading('Chats')).toBeTruthy();
  });

  test('a name that cannot be given keeps nobody out', async () => {
    const core = new FakeCore();
    core.elsewhere = true;
    core.faults.set('renameDevice', refuse('storage'));
    await open(core, '#/sign-in');
    await signIn();
    expect(await heading('Approve this device')).toBeTruthy();
  });

  test('its name can be changed while it waits', async () => {
    const core = new FakeCore();
    core.elsewhere = true;
    await open(core, '#/sign-in');
    await signIn();
    await press('Rename this device');
    const name = await field('Name of this device');
    await user.clear(name);
    await user.type(name, 'Kitchen{Enter}');
    expect(await screen.findByText('Kitchen')).toBeTruthy();
    expect(core.calls).toContainEqual(['renameDevice', null, 'Kitchen']);
  });

  test('a QR code takes the place of the digits', async () => {
    const core = await open(new FakeCore().joining(), '#/sign-in');
    await press('Show a QR code instead');
    expect(await heading('Add this browser')).toBeTruthy();
    expect(goals(core)).toContain('cancelJoining');
    expect(
      await screen.findByRole('img', { name: /another device of yours adds this browser/ }),
    ).toBeTruthy();
  });

  test('cancelling leads back to signing in, with the name', async () => {
    await open(new FakeCore().joining(), '#/sign-in');
    await press('Cancel');
    expect(await field('Name')).toHaveProperty('value', 'jonas');
  });

  test('an end without success says why and how to go on', async () => {
    const core = new FakeCore().joining({
      step: { type: 'ended', failure: failure('link_expired', 'Nobody approved this device in time.') },
    });
    await open(core, '#/sign-in');
    expect((await screen.findByRole('alert')).textContent).toContain('in time');
    await press('Sign in again');
    expect(await heading('Sign in')).toBeTruthy();
  });

  test('the recovery key is always there, and takes the name along', async () => {
    await open(new FakeCore().joining(), '#/sign-in');
    await press('Use the recovery key');
    expect(await heading('Come back with the recovery key')).toBeTruthy();
    expect(await field('Name')).toHaveProperty('value', 'jonas');
    await press('Back');
    expect(await heading('Approve this device')).toBeTruthy();
  });

  test('whoever has neither reads what is lost, and can start fresh', async () => {
    await open(new FakeCore().joining(), '#/sign-in');
    await press('I have neither');
    expect(await heading('What is lost')).toBeTruthy();
    await press('Start fresh with an invite link');
    expect(await heading('Welcome to Lighthouse')).toBeTruthy();
  });

  test('whoever has only the password starts again under the name, after typing it once more', async () => {
    const core = await open(new FakeCore().joining(), '#/sign-in');
    await press('I have neither');
    await press('Start again under my name');
    expect(await heading('Start again')).toBeTruthy();
    const start = () => screen.getByRole('button', { name: 'Start again' });
    await user.type(screen.getByLabelText('Password'), 'four boats');
    expect((start() as HTMLButtonElement).disabled).toBe(true);
    await user.type(await field('Type your name once more to start again'), 'Jonas');
    await user.click(start());
    expect(await heading('Chats')).toBeTruthy();
    expect(core.calls).toContainEqual(['resetIdentity', 'jonas', 'four boats']);
  });

  test('who may not start again yet is told when', async () => {
    const core = new FakeCore();
    core.faults.set('resetIdentity', refuse('reset_too_soon', 'Too soon.', 22 * 60 * 60));
    await open(core, '#/reset');
    await user.type(await field('Name'), 'jonas');
    await user.type(screen.getByLabelText('Password'), 'four boats');
    await user.type(await field('Type your name once more to start again'), 'jonas{Enter}');
    const told = (await screen.findByRole('alert')).textContent;
    expect(told).toContain('It is possible in 22 hours.');
  });

  test('what cannot be cancelled says so', async () => {
    const core = new FakeCore().joining();
    core.faults.set('cancelJoining', refuse('offline', 'No server.'));
    await open(core, '#/sign-in');
    await press('Cancel');
    expect((await screen.findByRole('alert')).textContent).toContain('No server.');
  });
});

describe('a new device without a password', () => {
  test('it shows a code, the whole link and the time left', async () => {
    await open(new FakeCore());
    await press('Add this browser');
    const link = await field('Link of this browser');
    expect((link as HTMLInputElement).value).toMatch(/^http:.*\/#\/link\/[\w-]+$/);
    const code = await screen.findByRole('img', { name: /adds this browser/ });
    expect(code.querySelector('path')?.getAttribute('d')).toMatch(/^M4 4h7v1h-7z/);
    expect(screen.getByRole('timer')).toBeTruthy();
  });

  test('without the server it says so where it was pressed', async () => {
    const core = new FakeCore();
    core.faults.set('showLinkCode', refuse('offline', 'No server.'));
    await open(core);
    await press('Add this browser');
    expect((await screen.findByRole('alert')).textContent).toContain('No server.');
  });

  test('a declined code can be shown anew', async () => {
    const step = { type: 'ended', failure: failure('link_declined') } as const;
    await open(new FakeCore().joining({ username: null, link: '/#/link/old', step }));
    await press('Show a new code');
    expect(await heading('Add this browser')).toBeTruthy();
  });
});

describe('approving by link', () => {
  test('the device in hand is approved, and the code leaves the address', async () => {
    const core = await open(jonas(), '#/link/secret');
    expect(await screen.findByText(/Approve only a device that you hold in your hand/)).toBeTruthy();
    expect(core.calls).toContainEqual(['answerCode', 'secret']);
    await press('Approve');
    expect(core.calls).toContainEqual(['confirmLink', 'link-secret', null]);
    expect(await heading('Device added')).toBeTruthy();
    await press('Done');
    expect(location.hash).toBe('#/chats');
  });

  test('opening the link approves nothing by itself', async () => {
    const core = await open(jonas(), '#/link/secret');
    await screen.findByRole('button', { name: 'Approve' });
    expect(goals(core)).not.toContain('confirmLink');
  });

  test('declining says what that means', async () => {
    const core = await open(jonas(), '#/link/secret');
    await press('Decline');
    expect(await screen.findByText(/^Declined, and nothing was added/)).toBeTruthy();
    expect(core.calls).toContainEqual(['declineLink', 'link-secret']);
  });

  test('a code that cannot be read is told', async () => {
    const core = jonas();
    core.faults.set('answerCode', refuse('link_unreadable', 'This is not a code.'));
    await open(core, '#/link/secret');
    expect((await screen.findByRole('alert')).textContent).toContain('This is not a code.');
    await press('Close');
    expect(await heading('Chats')).toBeTruthy();
  });

  test('after a reload in the middle it goes on', async () => {
    const core = jonas().approval('known', { type: 'confirmation_needed' });
    core.answerCode = () => Promise.resolve(undefined);
    await open(core, '#/link/secret');
    await press('Approve');
    expect(core.calls).toContainEqual(['confirmLink', 'known', null]);
  });

  test('a device that is not signed in says how it is done', async () => {
    const core = await open(new FakeCore(), '#/link/secret');
    expect(await heading('This device is not signed in')).toBeTruthy();
    expect(goals(core)).not.toContain('answerCode');
  });

  test('a device that is signed out signs in first', async () => {
    const core = new FakeCore();
    core.accountView = { type: 'signed_out', person: { account: 'account-jonas', username: 'jonas' } };
    await open(core, '#/link/secret');
    expect(await screen.findByText('Sign in to add the new device.')).toBeTruthy();
    await user.type(screen.getByLabelText('Password'), 'four boats{Enter}');
    expect(await heading('Add a new device?')).toBeTruthy();
  });
});

describe('approving by digits', () => {
  const digits = () => field('The six digits on the new device');

  test('a device that waits is told, and let in with its digits', async () => {
    const core = await open(jonas(), '#/chats');
    core.approval('link', { type: 'asked' });
    expect(await screen.findByRole('region', { name: 'A new device waits' })).toBeTruthy();
    await press('Look at it');
    const box = await digits();
    expect(document.activeElement).toBe(box);
    expect(screen.getByRole('button', { name: 'Approve' })).toHaveProperty('disabled', true);
    await user.type(box, '418902');
    expect(box).toHaveProperty('value', '418 902');
    await press('Approve');
    expect(core.calls).toContainEqual(['confirmLink', 'link', '418902']);
    expect(await screen.findByText('Firefox on Android')).toBeTruthy();
    await press('Done');
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(screen.queryByRole('region', { name: 'A new device waits' })).toBeNull();
  });

  test('pasted digits are taken however they are spaced', async () => {
    await open(jonas().approval('link', { type: 'asked' }), '#/chats');
    await press('Look at it');
    await user.click(await digits());
    await user.paste(' 41 89-02 ');
    expect(await digits()).toHaveProperty('value', '418 902');
  });

  test('wrong digits end it, and say so', async () => {
    const core = await open(jonas().approval('link', { type: 'asked' }), '#/chats');
    core.faults.set('confirmLink', refuse('digits_wrong', 'These are not the digits.'));
    await press('Look at it');
    await user.type(await digits(), '000000');
    core.approvals = [];
    await press('Approve');
    expect((await screen.findByRole('alert')).textContent).toContain('These are not the digits.');
    expect(screen.queryByRole('textbox', { name: 'The six digits on the new device' })).toBeNull();
  });

  test('put off, it does not come back by itself', async () => {
    const core = await open(jonas().approval('link', { type: 'asked' }), '#/chats');
    await press('Not now');
    core.approval('link', { type: 'asked' });
    await Promise.resolve();
    expect(screen.queryByRole('region', { name: 'A new device waits' })).toBeNull();
  });

  test('an approval that vanished is over', async () => {
    const core = await open(jonas().approval('link', { type: 'asked' }), '#/chats');
    await press('Look at it');
    await digits();
    core.approvals = [];
    core.emit({ type: 'approvals' });
    expect((await screen.findByRole('alert')).textContent).toContain('This approval has ended');
  });
});

describe('coming back with the recovery key', () => {
  const box = () => field('Recovery key');

  async function fill(core: FakeCore, words = core.words.join(' ')) {
    await user.type(await field('Name'), '@Jonas');
    await user.click(await box());
    await user.paste(words);
    await user.type(screen.getByLabelText('New password'), 'five boats');
  }

  test('24 words and a new password let in, as they were pasted from a printout', async () => {
    const core = await open(new FakeCore(), '#/recover');
    await fill(core, core.words.map((word, at) => `${at + 1}. ${word.toUpperCase()}\n`).join(''));
    expect(await screen.findByText('24 of 24 words')).toBeTruthy();
    await press('Come back');
    expect(await heading('Chats')).toBeTruthy();
    expect(core.calls).toContainEqual(['recover', 'jonas', core.words.join(' '), 'five boats', false]);
  });

  test('a word that is none is told by its place, while the last one may still grow', async () => {
    await open(new FakeCore(), '#/recover');
    await user.type(await box(), 'abandon abilty abo');
    expect(await screen.findByText('Word 2 is in no recovery key. Check its spelling.')).toBeTruthy();
    expect(screen.getByText('3 of 24 words')).toBeTruthy();
  });

  test('too few words ask nobody and lead back to them', async () => {
    const core = await open(new FakeCore(), '#/recover');
    await fill(core, 'abandon ability');
    await press('Come back');
    expect(goals(core)).not.toContain('recover');
    expect(document.activeElement).toBe(await box());
  });

  test('words in a wrong order are told at the words', async () => {
    const core = await open(new FakeCore(), '#/recover');
    core.faults.set('recover', refuse('words_invalid', 'Check the order.'));
    await fill(core);
    await press('Come back');
    expect(await screen.findByText('Check the order.')).toBeTruthy();
    expect((await box()).getAttribute('aria-invalid')).toBe('true');
  });

  test('name and key that do not fit are told below', async () => {
    const core = await open(new FakeCore(), '#/recover');
    core.faults.set('recover', refuse('recovery_refused', 'They do not fit.'));
    await fill(core);
    await press('Come back');
    expect((await screen.findByRole('alert')).textContent).toContain('They do not fit.');
  });

  test('what waits for approval waits on while the words are wrong', async () => {
    const core = await open(new FakeCore().joining(), '#/recover');
    core.faults.set('recover', refuse('words_invalid', 'Check the order.'));
    await user.clear(await field('Name'));
    await fill(core);
    await press('Come back');
    await screen.findByText('Check the order.');
    expect(goals(core)).not.toContain('cancelJoining');
  });

  test('a device that is signed out keeps what it holds, and gets a new password', async () => {
    const core = new FakeCore();
    core.accountView = { type: 'signed_out', person: { account: 'account-jonas', username: 'jonas' } };
    await open(core, '#/');
    await user.click(await screen.findByRole('link', { name: 'Use the recovery key' }));
    expect(await screen.findByText(/What is on this device stays/)).toBeTruthy();
    expect(await field('Name')).toHaveProperty('value', 'jonas');
  });
});

describe('the list of devices', () => {
  const two = () => jonas().device('Chromium on Linux').device('Firefox on Android', { connected: false });
  const rows = async () =>
    within(await screen.findByRole('list', { name: 'Your devices' })).findAllByRole('listitem');

  test('this one comes first, each with when it was there', async () => {
    await open(two(), '#/settings');
    const [first, second] = (await rows()).map((row) => row.textContent);
    expect(first).toMatch(/Chromium on Linux.*This device.*Added today/);
    expect(second).toMatch(/Firefox on Android.*Last seen today/);
  });

  test('a device is renamed in its row', async () => {
    const core = await open(two(), '#/settings');
    await press('Rename Firefox on Android');
    const name = await field('Name of Firefox on Android');
    await user.clear(name);
    await user.type(name, ' Phone {Enter}');
    expect(await screen.findByText('Phone')).toBeTruthy();
    expect(core.calls).toContainEqual(['renameDevice', 1, 'Phone']);
  });

  test('Escape leaves the name as it was, and the settings open', async () => {
    const core = await open(two(), '#/settings');
    await press('Rename Firefox on Android');
    await user.type(await field('Name of Firefox on Android'), 'x{Escape}');
    expect(await screen.findByText('Firefox on Android')).toBeTruthy();
    expect(goals(core)).not.toContain('renameDevice');
    expect(location.hash).toBe('#/settings');
  });

  test('removing is typed, and says what happens', async () => {
    const core = await open(two(), '#/settings');
    await press('Remove Firefox on Android');
    const dialog = within(await screen.findByRole('dialog', { name: 'Remove Firefox on Android?' }));
    const remove = dialog.getByRole('button', { name: 'Remove' });
    expect(remove).toHaveProperty('disabled', true);
    expect(dialog.getByText(/cannot be undone/)).toBeTruthy();
    await user.type(await field('Type “remove” to go on'), 'Remove');
    await user.click(remove);
    expect(core.calls).toContainEqual(['revokeDevice', 1]);
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(await rows()).toHaveLength(1);
  });

  test('a removal that fails says so in place', async () => {
    const core = await open(two(), '#/settings');
    core.faults.set('revokeDevice', refuse('offline', 'No server.'));
    await press('Remove Firefox on Android');
    await user.type(await field('Type “remove” to go on'), 'remove{Enter}');
    expect((await screen.findByRole('alert')).textContent).toContain('No server.');
  });

  test('signing out deletes what is stored here where that is chosen', async () => {
    const core = await open(two(), '#/settings');
    await press('Sign out');
    const dialog = within(await screen.findByRole('dialog', { name: 'Sign out?' }));
    await user.click(await dialog.findByRole('switch', { name: /Delete what is stored on this device/ }));
    expect(dialog.getByText(/messages and keys on it are deleted/)).toBeTruthy();
    core.faults.set('revokeDevice', refuse('offline', 'No server.'));
    await user.click(dialog.getByRole('button', { name: 'Sign out and delete' }));
    expect((await dialog.findByRole('alert')).textContent).toContain('No server.');
    core.faults.clear();
    await user.click(dialog.getByRole('button', { name: 'Sign out and delete' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(core.calls.filter(([goal]) => goal === 'revokeDevice').at(-1)).toEqual(['revokeDevice', 0]);
    expect(goals(core)).not.toContain('signOut');
  });

  test('signing out deletes nothing that was not chosen', async () => {
    const core = await open(two(), '#/settings');
    await press('Sign out');
    const dialog = within(await screen.findByRole('dialog', { name: 'Sign out?' }));
    await dialog.findByRole('switch');
    await user.click(dialog.getByRole('button', { name: 'Sign out' }));
    await waitFor(() => expect(goals(core)).toContain('signOut'));
    expect(goals(core)).not.toContain('revokeDevice');
  });

  test('the only device is signed out and deletes nothing', async () => {
    await open(jonas().device('Chromium on Linux'), '#/settings');
    await press('Sign out');
    const dialog = within(await screen.findByRole('dialog', { name: 'Sign out?' }));
    expect(dialog.getByText(/stay on this device, sealed/)).toBeTruthy();
    expect(dialog.queryByRole('switch')).toBeNull();
  });

  test('the only device cannot be removed', async () => {
    await open(jonas().device('Chromium on Linux'), '#/settings');
    expect(await screen.findByText(/the only device of your account/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: /^Remove/ })).toBeNull();
  });

  test('what could not be read is read again', async () => {
    const core = two();
    core.faults.set('listDevices', refuse('offline', 'No server.'));
    await open(core, '#/settings');
    expect((await screen.findByRole('alert')).textContent).toContain('No server.');
    core.faults.clear();
    await press('Try again');
    expect(await rows()).toHaveLength(2);
  });

  test('a pasted link of a new device leads to its approval', async () => {
    await open(two(), '#/settings');
    await press('Add a device');
    await user.type(await field('Link of the new device'), 'https://chat.example/#/link/abc{Enter}');
    expect(await heading('Add a new device?')).toBeTruthy();
    expect(location.hash).toBe('#/link/abc');
  });

  test('what is no link of a device is told', async () => {
    await open(two(), '#/settings');
    await press('Add a device');
    await user.type(await field('Link of the new device'), 'https://chat.example/#/invite/abc{Enter}');
    expect(await screen.findByText(/This is not the link of a new device/)).toBeTruthy();
  });
});

describe('what others of the account did', () => {
  test('an added device is told, with the way to remove it', async () => {
    const core = await open(jonas(), '#/chats');
    core.emit({ type: 'device_added', name: 'Firefox on Android' });
    expect(await screen.findByText(/added to your account: Firefox on Android. Not you\?/)).toBeTruthy();
    expect(screen.getByRole('link', { name: 'Remove it' }).getAttribute('href')).toBe('#/settings');
    await press('Dismiss');
    expect(screen.queryByText(/was added to your account/)).toBeNull();
  });

  test('a removed device says so, and leads to the start', async () => {
    const core = await open(jonas(), '#/chats');
    core.emit({ type: 'warning', failure: failure('device_removed', 'This device was removed.') });
    core.accountView = { type: 'none' };
    account(core);
    expect(await heading('This device was removed')).toBeTruthy();
    await press('Go to the start');
    expect(await heading('Welcome to Lighthouse')).toBeTruthy();
  });

  test('a server that only claims it is not believed in silence', async () => {
    const core = await open(jonas(), '#/chats');
    core.emit({ type: 'warning', failure: failure('device_revoked_unproven', 'The server says so.') });
    core.accountView = { type: 'signed_out', person: { account: 'account-jonas', username: 'jonas' } };
    account(core);
    expect(await heading('You were signed out')).toBeTruthy();
    await press('Go on');
    expect(await heading('Welcome back, jonas')).toBeTruthy();
  });
});
