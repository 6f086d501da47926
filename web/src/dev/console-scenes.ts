import { href } from '../lib/platform/route';
import type { AnnouncementListedView, ReportView } from '../lib/protocol/generated';
import type { FakeCore } from './fake-core';
import { failing, home, type Scene } from './scenes';

const HOUR = 60 * 60 * 1000;

/** An administrator with something in each part of the console. */
function administered(): FakeCore {
  const core = home();
  const now = core.now();
  const listed = (id: string, text: string, withdrawn: boolean): AnnouncementListedView => ({
    id,
    kind: 'maintenance',
    text,
    said_by: 'jonas',
    said_at: now - HOUR,
    ends_at: now + 20 * HOUR,
    withdrawn_at: withdrawn ? now : null,
  });
  core.listed = [
    listed('a', 'The server is away tonight from nine to ten.', false),
    listed('b', 'The server is away tonight from eight to nine.', true),
  ];
  const report = (id: string, words: string, closed: boolean): ReportView => ({
    id,
    reporter: 'mia',
    accused: 'account-ben',
    accused_name: 'ben',
    suspended: false,
    in_place: true,
    sent_at: now - 3 * HOUR,
    reported_at: now - 2 * HOUR,
    reason: 'abuse',
    note: 'This goes on for days.',
    words,
    closed_at: closed ? now : null,
    closed_by: closed ? 'jonas' : null,
    outcome: closed ? 'Ben was warned.' : null,
  });
  core.reports = [report('1', 'Nobody wants you here.', false), report('2', 'Buy my coins.', true)];
  core.audit = [
    {
      sequence: 1,
      time: now - 9 * HOUR,
      actor: null,
      act: 'second step off',
      subject: 'account-mia',
      hash: 'qT3n',
    },
    {
      sequence: 2,
      time: now - HOUR,
      actor: 'account-jonas',
      act: 'announcement made',
      subject: 'a',
      hash: 'V0eD',
    },
  ];
  core.figures = {
    database_bytes: 48_234_496,
    counts: [
      { name: 'accounts', count: 42 },
      { name: 'posts', count: 183_204 },
    ],
  };
  return core;
}

/** The banner, too. */
function announced(changed = false): FakeCore {
  const core = administered();
  core.announcements = {
    key_changed: changed,
    announcements: changed
      ? []
      : core.listed
          .slice(0, 1)
          .map(({ id, kind, text, said_at, ends_at }) => ({ id, kind, text, said_at, ends_at })),
  };
  return core;
}

async function show(act: { wait: (time: number) => Promise<void> }, title: string) {
  for (const heading of document.querySelectorAll('h2'))
    if (heading.textContent === title) heading.scrollIntoView({ block: 'start' });
  await act.wait(100);
}

/** What the server says, and the console's screens. */
export const CONSOLE_SCENES: Record<string, Scene> = {
  'server-banner': { hash: href.chats, core: () => announced() },
  'server-key-changed': { hash: href.chats, core: () => announced(true) },
  'admin-announcements': {
    hash: href.settings,
    core: administered,
    then: (act) => show(act, 'Announcements'),
  },
  'admin-reports': { hash: href.settings, core: administered, then: (act) => show(act, 'Reports') },
  'admin-reports-empty': { hash: href.settings, core: home, then: (act) => show(act, 'Reports') },
  'admin-reports-failed': {
    hash: href.settings,
    core: () => failing('askAccount', 'offline', 'The server cannot be reached.', administered()),
    then: (act) => show(act, 'Reports'),
  },
  'admin-audit': {
    hash: href.settings,
    core: administered,
    then: async (act) => {
      await act.press('Show the log');
      await show(act, 'Audit log');
    },
  },
  'admin-figures': { hash: href.settings, core: administered, then: (act) => show(act, 'Figures') },
};
