import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import { FakeCore, failure, refuse } from '../dev/fake-core';
import App from './App.svelte';

const user = userEvent.setup({ delay: null });

beforeEach(() => {
  vi.spyOn(document, 'hasFocus').mockReturnValue(true);
});

async function open(core: FakeCore, hash = '#/') {
  location.hash = hash;
  render(App, { open: () => Promise.resolve(core) });
  await screen.findAllByRole('heading', { level: 1 });
  await waitFor(() => expect(screen.queryByText('Opening Conclave')).toBeNull());
  return core;
}

function withMia(unread = 0) {
  const core = new FakeCore().signedIn('jonas', { administrator: true });
  const chat = core.chat('mia', unread);
  for (let at = 1; at <= 3; at += 1) core.put(chat, { text: `Message ${at}` });
  return { core, chat };
}

const field = (name: string) => screen.findByRole('textbox', { name });
const labelOf = (box: HTMLElement) => (box as HTMLInputElement).labels?.[0]?.textContent ?? '';
const press = async (name: string) => user.click(await screen.findByRole('button', { name }));
const messages = async () =>
  within(await screen.findByRole('feed', { name: 'Messages' })).getAllByRole('article');

describe('getting in', () => {
  test('somebody new is asked for an invite link, which leads to the form', async () => {
    await open(new FakeCore());
    expect(await screen.findByRole('heading', { name: 'Welcome to Lighthouse' })).toBeTruthy();
    await user.type(await field('Invite link'), 'https://chat.example/#/invite/abc');
    await press('Open invite');
    expect(await screen.findByRole('heading', { name: 'Join Lighthouse' })).toBeTruthy();
  });

  test('what is not an invite link is told in words', async () => {
    await open(new FakeCore());
    await user.type(await field('Invite link'), 'https://example.org');
    await press('Open invite');
    expect(await screen.findByText(/This is not an invite link/)).toBeTruthy();
  });

  test('a fresh server says where its set-up link is', async () => {
    const core = new FakeCore();
    core.serverState = { name: 'Lighthouse', needsSetup: true };
    await open(core);
    expect(await screen.findByText(/it printed a set-up link/)).toBeTruthy();
  });

  test('an invite leads through one form to the chats, and its secret leaves the address', async () => {
    const core = await open(new FakeCore(), '#/invite/secret');
    await user.type(await field('Name'), 'Mia');
    await user.type(screen.getByLabelText('Password'), 'four boats');
    await press('Create account');
    expect(await screen.findByRole('heading', { name: 'Chats' })).toBeTruthy();
    expect(core.calls).toContainEqual(['register', 'mia', 'four boats', 'secret']);
    expect(location.hash).toBe('#/chats');
  });

  test('a form that is not complete asks nobody and goes to what is missing', async () => {
    const core = await open(new FakeCore(), '#/setup/secret');
    await press('Create account');
    expect(document.activeElement).toBe(await field('Name'));
    expect(core.calls.some(([goal]) => goal === 'register')).toBe(false);
  });

  test('while keys are made the form waits and says so', async () => {
    const core = new FakeCore();
    core.faults.set('register', 'never');
    await open(core, '#/invite/secret');
    await user.type(await field('Name'), 'mia');
    await user.type(screen.getByLabelText('Password'), 'four boats');
    await press('Create account');
    expect(await screen.findByRole('progressbar')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Create account' })).toHaveProperty('disabled', true);
  });

  test('the password can be looked at', async () => {
    await open(new FakeCore(), '#/invite/secret');
    const password = await screen.findByLabelText('Password');
    expect(password.getAttribute('type')).toBe('password');
    await press('Show what you typed');
    expect(password.getAttribute('type')).toBe('text');
  });

  test('a password is pasted as it is, and found by what fills it in', async () => {
    await open(new FakeCore(), '#/invite/secret');
    const password = await screen.findByLabelText('Password');
    const pasted = ` ${'Vier ruhige Otter, '.repeat(4)}`;
    await user.click(password);
    await user.paste(pasted);
    expect(password).toHaveProperty('value', pasted);
    expect(password.getAttribute('autocomplete')).toBe('new-password');
    expect(Number(password.getAttribute('maxlength'))).toBeGreaterThanOrEqual(64);
  });

  test('a device that belongs to somebody asks for the password alone', async () => {
    const core = new FakeCore();
    core.accountView = { type: 'signed_out', person: { account: 'account-jonas', username: 'jonas' } };
    await open(core);
    expect(await screen.findByRole('heading', { name: 'Welcome back, jonas' })).toBeTruthy();
    expect(await field('Name')).toHaveProperty('value', 'jonas');
    await user.type(screen.getByLabelText('Password'), 'four boats');
    await press('Sign in');
    expect(await screen.findByRole('heading', { name: 'Chats' })).toBeTruthy();
  });

  test('a wrong password is told, and can be typed again at once', async () => {
    const core = new FakeCore();
    core.faults.set('signIn', refuse('wrong_credentials', 'Name or password is wrong.'));
    await open(core, '#/sign-in');
    await user.type(await field('Name'), 'jonas');
    await user.type(screen.getByLabelText('Password'), 'wrong{Enter}');
    expect((await screen.findByRole('alert')).textContent).toContain('Name or password is wrong.');
    expect(document.activeElement).toBe(screen.getByLabelText('Password'));
  });

  test('an invite on a device with an account says so', async () => {
    await open(withMia().core, '#/invite/secret');
    expect(await screen.findByRole('heading', { name: 'You are here already' })).toBeTruthy();
  });

  test('a contact link waits behind the sign-in', async () => {
    const { core } = withMia();
    core.accountView = { type: 'signed_out', person: { account: 'account-jonas', username: 'jonas' } };
    await open(core, '#/contact/mia/account-mia');
    expect(await screen.findByText('Sign in to write to mia.')).toBeTruthy();
    await user.type(screen.getByLabelText('Password'), 'four boats{Enter}');
    expect(await screen.findByRole('button', { name: 'Start chat' })).toBeTruthy();
  });
});

describe('the list of chats', () => {
  test('each row tells name, last line and unread messages', async () => {
    await open(withMia(2).core);
    const row = within(await screen.findByRole('list', { name: 'Chats' })).getByRole('link');
    expect(row.textContent).toMatch(/mia.*Message 3.*2 unread/s);
  });

  test('the title counts unread messages and follows them', async () => {
    const { core, chat } = withMia(2);
    await open(core);
    await waitFor(() => expect(document.title).toBe('(2) Chats · Conclave'));
    core.arrive(chat, 'New');
    await waitFor(() => expect(document.title).toBe('(3) Chats · Conclave'));
  });

  test('arrows move through the list, and Tab finds one row of it', async () => {
    const { core } = withMia();
    core.put(core.chat('paul'), { text: 'Hello' });
    await open(core);
    const rows = within(await screen.findByRole('list', { name: 'Chats' })).getAllByRole('link');
    expect(rows.map((row) => row.tabIndex).sort()).toEqual([-1, 0]);
    rows[0]?.focus();
    await user.keyboard('{ArrowDown}');
    expect(document.activeElement).toBe(rows[1]);
    await user.keyboard('{ArrowDown}{Home}');
    expect(document.activeElement).toBe(rows[0]);
  });

  test('a name that was found opens a chat', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.person('mia');
    await open(core);
    await press('New chat');
    await user.type(await field('Name or contact link'), 'mia{Enter}');
    await press('Start chat');
    expect(await field('Message')).toBeTruthy();
    expect(location.hash).toBe('#/chats/room-mia');
  });

  test('a contact link with the wrong account warns and offers no chat', async () => {
    const core = new FakeCore().signedIn('jonas');
    core.person('mia');
    await open(core, '#/contact/mia/account-eve');
    expect(await screen.findByText(/does not fit the person/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Start chat' })).toBeNull();
  });

  test('a list that cannot be read says so and tries again', async () => {
    const { core } = withMia();
    core.faults.set('listChats', refuse('storage', 'No disk.'));
    await open(core);
    expect((await screen.findByRole('alert')).textContent).toContain('No disk.');
    core.faults.clear();
    await press('Try again');
    expect(await screen.findByRole('list', { name: 'Chats' })).toBeTruthy();
  });

  test('Ctrl K jumps to a chat by a few letters', async () => {
    const { core } = withMia();
    core.put(core.chat('paul'), { text: 'Hello' });
    await open(core);
    await screen.findByRole('list', { name: 'Chats' });
    await user.keyboard('{Control>}k{/Control}');
    await user.type(await screen.findByRole('combobox', { name: 'Jump to a chat' }), 'pa{Enter}');
    await waitFor(() => expect(location.hash).toBe('#/chats/room-paul'));
    expect(screen.queryByRole('combobox')).toBeNull();
  });
});

describe('a conversation', () => {
  const MIA = '#/chats/room-mia';

  test('messages are articles that say author, text and time', async () => {
    await open(withMia().core, MIA);
    const names = (await messages()).map((article) => article.getAttribute('aria-label'));
    expect(names[0]).toMatch(/^mia: Message 1, today /);
    expect((await messages()).map((article) => article.dataset['delivery'])).toEqual(
      Array(3).fill('received'),
    );
  });

  test('Enter sends, Shift and Enter make a new line, and the field is empty after', async () => {
    const { core } = withMia();
    await open(core, MIA);
    const composer = await field('Message');
    await user.type(composer, 'Hello{Shift>}{Enter}{/Shift}there{Enter}');
    expect(core.calls).toContainEqual(['sendText', 'room-mia', 'Hello\nthere', {}]);
    expect(composer).toHaveProperty('value', '');
    await waitFor(async () => expect((await messages()).at(-1)?.dataset['delivery']).toBe('queued'));
  });

  test('spaces alone are not sent', async () => {
    const { core } = withMia();
    await open(core, MIA);
    await user.type(await field('Message'), '   {Enter}');
    expect(core.calls.some(([goal]) => goal === 'sendText')).toBe(false);
  });

  test('a text that could not be kept comes back into the field', async () => {
    const { core } = withMia();
    core.faults.set('sendText', refuse('storage', 'No disk.'));
    await open(core, MIA);
    const composer = await field('Message');
    await user.type(composer, 'Hello{Enter}');
    await waitFor(() => expect(composer).toHaveProperty('value', 'Hello'));
    expect((await screen.findByRole('alert')).textContent).toContain('No disk.');
  });

  test('a begun text waits in its room, and is never stored', async () => {
    const { core } = withMia();
    core.put(core.chat('paul'), { text: 'Hello' });
    await open(core, MIA);
    await user.type(await field('Message'), 'Half a tho');
    location.hash = '#/chats/room-paul';
    await waitFor(() => expect(screen.getByRole('textbox', { name: 'Message' })).toHaveProperty('value', ''));
    expect(JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])).not.toContain(
      'Half',
    );
    location.hash = MIA;
    await waitFor(() =>
      expect(screen.getByRole('textbox', { name: 'Message' })).toHaveProperty('value', 'Half a tho'),
    );
  });

  test('marks say in words how far a message got', async () => {
    const { core, chat } = withMia();
    core.put(chat, { text: 'Hello', mine: true, delivery: { type: 'read' } });
    await open(core, MIA);
    expect((await messages()).at(-1)?.getAttribute('aria-label')).toMatch(/^You: Hello, today .*, read$/);
    expect(within((await messages()).at(-1) ?? document.body).getByText('read')).toBeTruthy();
  });

  test('a message that was refused stays with Retry and Discard', async () => {
    const { core, chat } = withMia();
    core.put(chat, {
      text: 'Hello',
      mine: true,
      delivery: { type: 'failed', failure: failure('forbidden', 'No.') },
    });
    await open(core, MIA);
    expect(await screen.findByText('Not sent')).toBeTruthy();
    await press('Retry');
    await waitFor(async () => expect((await messages()).at(-1)?.dataset['delivery']).toBe('queued'));
    core.faults.set('discard', refuse('storage', 'No disk.'));
    core.deliver('message-4', { type: 'failed', failure: failure('forbidden', 'No.') });
    await press('Discard');
    expect((await screen.findByRole('alert')).textContent).toBe('No disk.');
    core.faults.clear();
    await press('Discard');
    await waitFor(async () => expect(await messages()).toHaveLength(3));
  });

  test('what is missing or cannot be opened is one calm line each', async () => {
    const { core, chat } = withMia();
    core.put(chat, { body: { type: 'unopened' }, missing_before: 2 });
    await open(core, MIA);
    expect(await screen.findByText('2 messages are missing here')).toBeTruthy();
    expect(screen.getByText('This message could not be opened yet and was asked for again')).toBeTruthy();
  });

  test('links in messages are safe, and markup is only text', async () => {
    const { core, chat } = withMia();
    core.put(chat, { text: '<b>https://example.org/</b> javascript:alert(1)' });
    await open(core, MIA);
    const link = await screen.findByRole('link', { name: 'https://example.org/' });
    expect(link.getAttribute('rel')).toBe('noopener noreferrer');
    expect((await messages()).at(-1)?.textContent).toContain(
      '<b>https://example.org/</b> javascript:alert(1)',
    );
    expect(document.querySelector('article b')).toBeNull();
  });

  test('only a new message is announced', async () => {
    const { core, chat } = withMia();
    await open(core, MIA);
    await messages();
    const region = document.querySelector('[data-announced]');
    expect(region?.textContent).toBe('');
    core.arrive(chat, 'Fog!');
    await waitFor(() => expect(region?.textContent).toBe('mia: Fog!'));
  });

  test('what was seen is marked as read', async () => {
    const { core } = withMia(2);
    await open(core, MIA);
    await waitFor(() => expect(core.calls).toContainEqual(['markRead', 'room-mia', 'message-3']));
    await waitFor(() => expect(document.title).toBe('mia · Conclave'));
  });

  test('arrows lead from the field into the messages and back', async () => {
    await open(withMia().core, MIA);
    const composer = await field('Message');
    const rows = await messages();
    composer.focus();
    await user.keyboard('{ArrowUp}');
    expect(document.activeElement).toBe(rows[2]);
    await user.keyboard('{ArrowUp}');
    expect(document.activeElement).toBe(rows[1]);
    expect(rows.map((row) => row.tabIndex)).toEqual([-1, 0, -1]);
    await user.keyboard('{Escape}');
    expect(document.activeElement).toBe(composer);
  });

  test('offline is one thin line, and writing goes on', async () => {
    const { core } = withMia();
    await open(core, MIA);
    core.emit({ type: 'connection', state: 'offline' });
    expect(await screen.findByText(/^Offline\./)).toBeTruthy();
    await user.type(await field('Message'), 'Hello{Enter}');
    await waitFor(async () => expect(await messages()).toHaveLength(4));
    core.emit({ type: 'connection', state: 'online' });
    await waitFor(() => expect(screen.queryByText(/^Offline\./)).toBeNull());
  });

  test('a chat that is not here says so', async () => {
    await open(withMia().core, '#/chats/room-nobody');
    expect(await screen.findByRole('heading', { name: 'This chat is not on this device' })).toBeTruthy();
  });
});

describe('around it', () => {
  test('the recovery key is offered, shown as 24 words, asked back and kept', async () => {
    const { core } = withMia();
    core.signedIn('jonas', { offerRecoveryKey: true });
    await open(core, '#/chats/room-mia');
    await press('Show the words');
    const words = within(await screen.findByRole('list', { name: 'Recovery key' }));
    await waitFor(() =>
      expect(words.getAllByRole('listitem').map((item) => item.textContent)).toContain('1abandon'),
    );
    expect(words.getAllByRole('listitem')).toHaveLength(24);
    await press('I have kept it');
    expect(core.calls.map(([goal]) => goal)).not.toContain('recoveryKeyKept');
    for (const box of await screen.findAllByRole('textbox', { name: /^Word \d+$/ })) {
      const place = Number(/\d+/.exec(labelOf(box))?.[0]) - 1;
      await user.type(box, core.words[place] ?? '');
    }
    await press('Check');
    await waitFor(() => expect(screen.queryByRole('region', { name: 'Recovery key' })).toBeNull());
    expect(core.calls.map(([goal]) => goal)).toContain('recoveryKeyKept');
  });

  test('an administrator makes an invite link; others see nothing of it', async () => {
    await open(withMia().core, '#/settings');
    await press('Make an invite link');
    const link = await screen.findByRole<HTMLInputElement>('textbox', { name: 'Invite link' });
    expect(link.value).toMatch(/#\/invite\/qT3nV0eD8kZ4yHs1uWcJxA$/);
    expect(screen.getByText(/^For one person, until /)).toBeTruthy();
  });

  test('people without that right see no invites', async () => {
    await open(new FakeCore().signedIn('mia'), '#/settings');
    await screen.findByRole('heading', { name: 'Appearance' });
    expect(screen.queryByRole('heading', { name: 'Invites' })).toBeNull();
  });

  test('the theme is chosen and remembered', async () => {
    await open(withMia().core, '#/settings');
    await user.click(await screen.findByRole('radio', { name: 'Light' }));
    expect(document.documentElement.dataset['theme']).toBe('light');
    expect(localStorage.getItem('conclave.theme')).toBe('light');
    await user.click(screen.getByRole('radio', { name: 'System' }));
    expect(localStorage.getItem('conclave.theme')).toBeNull();
  });

  test('signing out says what stays, also of what was begun', async () => {
    const { core } = withMia();
    await open(core, '#/chats/room-mia');
    await user.type(await field('Message'), 'Half a tho');
    location.hash = '#/settings';
    await press('Sign out');
    expect(await screen.findByText(/Your messages and keys stay on this device/)).toBeTruthy();
    const dialog = within(screen.getByRole('dialog', { name: 'Sign out?' }));
    await user.click(dialog.getByRole('button', { name: 'Sign out' }));
    await user.type(await screen.findByLabelText('Password'), 'four boats{Enter}');
    location.hash = '#/chats/room-mia';
    expect(await field('Message')).toHaveProperty('value', 'Half a tho');
  });

  test('storage that forgets says so in one line', async () => {
    const { core } = withMia();
    core.storage = 'memory';
    await open(core);
    expect(await screen.findByText(/This browser keeps nothing/)).toBeTruthy();
  });

  test('a warning stays until it was read', async () => {
    const { core } = withMia();
    await open(core);
    core.emit({
      type: 'warning',
      failure: failure('chain_invalid', 'The server showed a log that is not genuine.'),
    });
    expect((await screen.findByRole('alert')).textContent).toContain('not genuine');
    await press('Dismiss');
    expect(screen.queryByRole('alert')).toBeNull();
  });

  test('data of a newer version is left alone and told', async () => {
    const core = new FakeCore();
    core.faults.set('ready', refuse('storage_newer', 'The data was made by a newer version.'));
    await open(core);
    expect(await screen.findByRole('heading', { name: 'This page is older than your data' })).toBeTruthy();
    expect(screen.getByText('Code: storage_newer')).toBeTruthy();
  });

  test('an engine that cannot be had says so, with a way to reload', async () => {
    location.hash = '#/chats';
    render(App, { open: () => Promise.reject(new TypeError('Failed to fetch a chunk')) });
    expect(await screen.findByRole('heading', { name: 'Conclave could not start' })).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Reload' })).toBeTruthy();
    expect(document.body.textContent).not.toContain('chunk');
  });

  test('a screen that breaks leaves a page that helps', async () => {
    const report = vi.fn();
    vi.stubGlobal('reportError', report);
    const { core, chat } = withMia();
    core.put(chat, { sent_at: Number.NaN });
    await open(core, '#/chats/room-mia');
    expect(await screen.findByRole('heading', { name: 'Something here broke' })).toBeTruthy();
    expect(report).toHaveBeenCalledOnce();
  });

  test('another tab that signs in or out moves this one too', async () => {
    const core = await open(new FakeCore(), '#/sign-in');
    core.signedIn('jonas');
    core.emit({ type: 'account' });
    expect(await screen.findByRole('heading', { name: 'Chats' })).toBeTruthy();
    core.accountView = { type: 'signed_out', person: { account: 'account-jonas', username: 'jonas' } };
    core.emit({ type: 'account' });
    expect(await screen.findByRole('heading', { name: 'Welcome back, jonas' })).toBeTruthy();
  });
});
