import { preference } from '../lib/platform/browser';
import { href } from '../lib/platform/route';
import { refuse } from './fake-core';
import { FakeWaking } from './fake-waking';
import { type Actions, hanging, home, type Scene } from './scenes';

async function show(act: Actions) {
  for (const heading of document.querySelectorAll('h2'))
    if (heading.textContent === 'Notifications') heading.scrollIntoView({ block: 'start' });
  await act.wait(150);
}

/** The settings of somebody who wants to be notified, or never said so. */
function scene(change: (waking: FakeWaking, core: ReturnType<typeof home>) => void, wanted = true): Scene {
  const waking = new FakeWaking();
  waking.allowed = 'granted';
  return {
    hash: href.settings,
    waking,
    core: () => {
      const core = home();
      preference.write('notifications.account-jonas', wanted ? 'on' : null);
      change(waking, core);
      return core;
    },
    then: show,
  };
}

/** Notifications in the settings, in their states. */
export const NOTIFICATION_SCENES: Record<string, Scene> = {
  'notifications-off': scene((waking) => (waking.allowed = 'default'), false),
  'notifications-on': scene(() => undefined),
  'notifications-denied': scene((waking) => (waking.allowed = 'denied')),
  'notifications-unsupported': scene((waking) => (waking.support = 'nothing')),
  'notifications-home-screen': scene((waking) => (waking.support = 'after_install')),
  'notifications-server-off': scene((_, core) => (core.push = { key: null, subscribed: false })),
  'notifications-offline': scene((_, core) =>
    core.faults.set(
      'askAccount',
      refuse('unreachable', 'The server cannot be reached. Try again when you are online.'),
    ),
  ),
  'notifications-browser-error': scene((waking) => (waking.broken = true)),
  'notifications-loading': scene((_, core) => hanging('askAccount', core)),
};
