import { href } from '../lib/platform/route';
import type { LoginView } from '../lib/protocol/generated';
import type { FakeCore } from './fake-core';
import { failing, hanging, home, nobody, type Scene } from './scenes';

const HOUR = 60 * 60 * 1000;

/** Signed in at three places, with a second step. */
function settled(): FakeCore {
  const core = home();
  const login = (name: string | null, device: number, hours: number): LoginView => ({
    login: `login-${device}`,
    device,
    name,
    created_at: core.now() - 40 * HOUR * (device + 1),
    refreshed_at: core.now() - hours * HOUR,
    connected: hours === 0,
    current: device === 0,
  });
  core.logins = [login('Chromium on Linux', 0, 0), login('Firefox on Android', 1, 2), login(null, 2, 90)];
  core.secondStep = { on: true, since: core.now() - 90 * HOUR, backup_codes: 8 };
  core.accounts = ['mia', 'ben', 'a-very-long-name-of-32-letters-x'].map((username, at) => ({
    account: `account-${username}`,
    username,
    administrator: at === 0,
    created_at: core.now() - 400 * HOUR,
    seen_at: at === 2 ? null : core.now() - at * 30 * HOUR,
    suspended: at === 1,
    closed: false,
    devices: at + 1,
    second_step: at === 0,
  }));
  return core;
}

async function show(act: { wait: (time: number) => Promise<void> }, title: string) {
  for (const heading of document.querySelectorAll('h2'))
    if (heading.textContent === title) heading.scrollIntoView({ block: 'start' });
  await act.wait(100);
}

/** Sign-in and administration in the settings, in their states. */
export const SIGN_IN_SCENES: Record<string, Scene> = {
  'sign-in-code': {
    hash: href.signIn,
    core: () => {
      const core = nobody();
      core.secondStep = { on: true, since: 1, backup_codes: 3 };
      return core;
    },
    then: async (act) => {
      await act.type('Name', 'jonas');
      await act.type('Password', 'a long password');
      await act.press('Sign in');
    },
  },
  'sign-in-settings': { hash: href.settings, core: settled, then: (act) => show(act, 'Sign-in') },
  'sign-in-loading': {
    hash: href.settings,
    core: () => hanging('askAccount', settled()),
    then: async (act) => {
      await act.wait(600);
      await show(act, 'Sign-in');
    },
  },
  'sign-in-failed': {
    hash: href.settings,
    core: () => failing('askAccount', 'offline', 'The server cannot be reached.', settled()),
    then: (act) => show(act, 'Sign-in'),
  },
  'second-step-proof': { hash: href.settings, core: home, then: (act) => act.press('Set it up') },
  'second-step-set-up': {
    hash: href.settings,
    core: () => {
      const core = home();
      core.fresh = true;
      return core;
    },
    then: (act) => act.press('Set it up'),
  },
  'second-step-codes': {
    hash: href.settings,
    core: () => {
      const core = settled();
      core.fresh = true;
      return core;
    },
    then: (act) => act.press('New backup codes'),
  },
  'password-change': { hash: href.settings, core: settled, then: (act) => act.press('Replace it') },
  'account-end': { hash: href.settings, core: settled, then: (act) => act.press('End my account') },
  'admin-registration': { hash: href.settings, core: settled, then: (act) => show(act, 'Registration') },
  'admin-accounts': { hash: href.settings, core: settled, then: (act) => show(act, 'Accounts') },
};
