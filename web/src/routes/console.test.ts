import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, test } from 'vitest';

import { FakeCore, refuse } from '../dev/fake-core';
import type { AnnouncementView, ReportView } from '../lib/protocol/generated';
import App from './App.svelte';

const user = userEvent.setup({ delay: null });
const press = async (name: string | RegExp) => user.click(await screen.findByRole('button', { name }));

function people() {
  const core = new FakeCore().signedIn('jonas');
  core.person('jonas');
  core.put(core.chat('mia'), { text: 'Buy my coins' });
  return core;
}

async function open(core: FakeCore, hash = '#/chats') {
  location.hash = hash;
  render(App, { open: () => Promise.resolve(core) });
  await screen.findAllByRole('heading', { level: 1 });
  await waitFor(() => expect(screen.queryByText('Opening Conclave')).toBeNull());
  return core;
}

const asked = (core: FakeCore, type: string) =>
  core.calls.flatMap(([goal, intent]) =>
    goal === 'askAccount' && (intent as { type: string }).type === type ? [intent] : [],
  );
const askedOfAdmin = (core: FakeCore, type: string) =>
  asked(core, 'admin')
    .map((intent) => (intent as { what: { type: string } }).what)
    .filter((what) => what.type === type);

const said = (id: string, text: string): AnnouncementView => ({
  id,
  kind: 'warning',
  text,
  said_at: 0,
  ends_at: Number.MAX_SAFE_INTEGER,
});

describe('what the server says to everybody', () => {
  test('stands above the chats as the words of the server, and goes when it is put away', async () => {
    const core = people();
    core.announcements = { key_changed: false, announcements: [said('a', 'The disk is nearly full.')] };
    await open(core);
    const banner = within(await screen.findByRole('region', { name: /^From / }));
    expect(banner.getByText('Warning from this server')).toBeTruthy();
    expect(banner.getByText('The disk is nearly full.')).toBeTruthy();
    await press('Put away');
    expect(asked(core, 'put_away_announcement')).toEqual([{ type: 'put_away_announcement', id: 'a' }]);
    await waitFor(() => expect(screen.queryByText('The disk is nearly full.')).toBeNull());
  });

  test('under another key nothing is shown but that, until the person accepts it; why not is said', async () => {
    const core = people();
    core.announcements = { key_changed: true, announcements: [] };
    await open(core);
    expect(await screen.findByText('This server has another key than before')).toBeTruthy();
    core.faults.set('askAccount', refuse('storage', 'There is no room left on this device.'));
    await press('Accept');
    expect(await screen.findByText('There is no room left on this device.')).toBeTruthy();
    core.faults.clear();
    await press('Accept');
    await waitFor(() => expect(screen.queryByText('This server has another key than before')).toBeNull());
  });
});

describe('a report', () => {
  async function begun(core: FakeCore) {
    await open(core, '#/chats/room-mia');
    const article = await within(await screen.findByRole('feed')).findByRole('article');
    await user.hover(article);
    await press('More');
    await user.click(await screen.findByRole('menuitem', { name: /^Report/ }));
    return within(await screen.findByRole('dialog', { name: 'Report this message' }));
  }

  test('shows what it will reveal before anything is sent, and sends the reason and the note', async () => {
    const core = people();
    core.reportPreview = { username: 'mia', sent_at: 0, words: 'Buy my coins', provable: true };
    const dialog = await begun(core);
    expect(await dialog.findByText('Buy my coins')).toBeTruthy();
    expect(asked(core, 'report')).toEqual([]);
    await user.selectOptions(dialog.getByLabelText('Why'), 'Advertising or fraud');
    await user.type(dialog.getByLabelText(/^What you want to say/), 'Every day');
    await user.click(dialog.getByRole('button', { name: 'Report' }));
    expect(await dialog.findByText(/The message is reported/)).toBeTruthy();
    expect(asked(core, 'report')).toMatchObject([{ reason: 'spam', note: 'Every day' }]);
  });

  test('of a message whose proof is gone is not offered, and the reason is said', async () => {
    const core = people();
    core.reportPreview = { ...core.reportPreview, provable: false };
    const dialog = await begun(core);
    expect(await dialog.findByText(/no longer holds what proves/)).toBeTruthy();
    expect(dialog.queryByRole('button', { name: 'Report' })).toBeNull();
  });
});

describe('the console', () => {
  const reported: ReportView = {
    id: '1',
    reporter: 'noor',
    accused: 'account-mia',
    accused_name: 'mia',
    suspended: false,
    in_place: false,
    sent_at: 0,
    reported_at: 0,
    reason: 'spam',
    note: '',
    words: 'Buy my coins',
    closed_at: null,
    closed_by: null,
    outcome: null,
  };

  function administered() {
    const core = new FakeCore().signedIn('jonas', { administrator: true });
    core.person('jonas');
    core.reports = [reported];
    return core;
  }

  async function proves() {
    await user.type(await screen.findByLabelText('Your password'), 'vier ruhige Otter');
    await press('Confirm');
  }

  test('announces in the words, of the kind and for the time that were chosen', async () => {
    const core = await open(administered(), '#/settings');
    await user.type(await screen.findByLabelText('What to say'), 'Away tonight');
    await user.selectOptions(screen.getByLabelText('Kind'), 'Maintenance');
    await press('Announce');
    await proves();
    expect(
      await within(screen.getByRole('list', { name: 'Announcements' })).findByText('Away tonight'),
    ).toBeTruthy();
    expect(askedOfAdmin(core, 'announce')).toContainEqual(
      expect.objectContaining({ kind: 'maintenance', text: 'Away tonight' }),
    );
  });

  test('closes a report with what came of it, and keeps these words where that fails', async () => {
    const core = await open(administered(), '#/settings');
    await press('Close the report about mia');
    await user.type(await screen.findByLabelText('What came of it'), 'She was warned.');
    core.faults.set('askAccount', refuse('offline', 'The server cannot be reached.'));
    await press('Close it');
    expect((await screen.findAllByText('The server cannot be reached.')).length).toBeGreaterThan(0);
    expect(screen.getByLabelText<HTMLInputElement>('What came of it').value).toBe('She was warned.');
    core.faults.clear();
    await press('Close it');
    await proves();
    expect(await screen.findByText('No message is reported.')).toBeTruthy();
    expect(askedOfAdmin(core, 'close_report').at(-1)).toEqual({
      type: 'close_report',
      id: '1',
      outcome: 'She was warned.',
    });
  });
});
