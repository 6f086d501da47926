/** What goes wrong on the screens: each in plain words, with a way on, and nothing lost. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { Profile } from './support/browser.ts';
import {
  deliveries,
  eventually,
  openChat,
  PASSWORD,
  recoveryWords,
  register,
  say,
  signIn,
  texts,
} from './support/screens.ts';
import { Server } from './support/server.ts';

let server: Server;
let mia: Profile;
let page: Page;

before(async () => {
  server = await Server.start();
  mia = await Profile.open();
  page = await mia.tab(server.url);
});

after(async () => {
  await mia.close();
  await server.stop();
});

async function says(words: RegExp): Promise<void> {
  await page.getByText(words).first().waitFor({ timeout: 20_000 });
}

test(
  'a link that is not from this server says so before and after the form',
  { timeout: 60_000 },
  async () => {
    await page.goto(`${server.url}/#/invite/not-an-invite`);
    await page.getByRole('textbox', { name: 'Name' }).fill('mia');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await says(/invite is used up, expired or not from this server/i);
  },
);

test('a common password is refused before anything is sent', { timeout: 60_000 }, async () => {
  await page.goto(`${server.url}/#/setup/${server.setupToken}`);
  await page.getByRole('textbox', { name: 'Name' }).fill('mia');
  await page.getByLabel('Password', { exact: true }).fill('password123');
  await page.getByRole('button', { name: 'Create account' }).click();
  await says(/among the first|easy to guess/i);
});

test('an unknown person is said to be unknown', { timeout: 60_000 }, async () => {
  await register(page, `${server.url}/#/setup/${server.setupToken}`, 'mia');
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await page.getByLabel('Name or contact link').fill('nobody-here');
  await page.getByRole('button', { name: 'Find' }).click();
  await says(/Nobody here has that name/);
  await page.keyboard.press('Escape');
});

test(
  'signing out and in again keeps every message; a wrong password is refused',
  { timeout: 120_000 },
  async () => {
    await openChat(page, 'mia');
    await say(page, 'a note to myself');
    await eventually(() => deliveries(page), ['sent']);
    const chat = page.url();

    await page.goto(`${server.url}/#/settings`);
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Password', { exact: true }).waitFor();
    await signIn(page, 'mia', 'not the password');
    await says(/Name or password is wrong/);
    await signIn(page, 'mia');
    await page.getByRole('button', { name: 'New chat' }).first().waitFor({ timeout: 30_000 });
    await page.goto(chat);
    await eventually(() => texts(page), ['a note to myself']);
  },
);

test('the recovery key is offered after the first message and can be kept', { timeout: 60_000 }, async () => {
  assert.equal((await recoveryWords(page)).length, 24);
  await page.reload();
  await eventually(() => texts(page), ['a note to myself']);
  assert.equal(await page.getByRole('button', { name: 'Show the words' }).count(), 0);
});

test(
  'another browser without the keys waits for approval, and gives up when told to',
  { timeout: 60_000 },
  async () => {
    const other = await Profile.open();
    try {
      const fresh = await other.tab(`${server.url}/#/sign-in`);
      await signIn(fresh, 'mia');
      await fresh.getByRole('heading', { name: 'Approve this device' }).waitFor({ timeout: 30_000 });
      await fresh.reload();
      await fresh.getByRole('heading', { name: 'Approve this device' }).waitFor();
      await fresh.getByRole('button', { name: 'Cancel' }).click();
      await fresh.getByRole('heading', { name: 'Sign in' }).waitFor();
      assert.deepEqual(other.complaints, []);
    } finally {
      await other.close();
    }
  },
);

test(
  'a server that is killed and comes back is noticed and then forgotten',
  { timeout: 120_000 },
  async () => {
    await server.kill();
    await page.locator('[data-connection]').first().waitFor({ timeout: 30_000 });
    await say(page, 'written while the server was gone');
    await eventually(async () => (await deliveries(page)).slice(-1), ['queued']);
    await server.run();
    await eventually(async () => (await deliveries(page)).slice(-1), ['sent'], 60_000);
    assert.deepEqual(mia.complaints, []);
  },
);
