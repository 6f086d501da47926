/** One person with several devices, each a browser profile of its own: adding, removing, coming back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { Profile } from './support/browser.ts';
import {
  acceptRequest,
  deliveries,
  devices,
  eventually,
  invite,
  openChat,
  PASSWORD,
  recoveryWords,
  register,
  removeDevice,
  say,
  signIn,
  texts,
} from './support/screens.ts';
import { Server } from './support/server.ts';

const NEW_PASSWORD = 'drei Boote im hellen Nebel';

let server: Server;
let first: Profile;
let second: Profile;
let third: Profile;
let noa: Profile;
let firstPage: Page;
let secondPage: Page;
let thirdPage: Page;
let noaPage: Page;
let words: string[];

before(async () => {
  server = await Server.start();
  [first, second, third, noa] = await Promise.all([
    Profile.open(),
    Profile.open(),
    Profile.open(),
    Profile.open(),
  ]);
  firstPage = await first.tab(server.url);
  await register(firstPage, `${server.url}/#/setup/${server.setupToken}`, 'mia');
  const token = await invite(firstPage);
  noaPage = await noa.tab(server.url);
  await register(noaPage, `${server.url}/#/invite/${token}`, 'noa');
  await openChat(firstPage, 'noa');
  await say(firstPage, 'from the first device');
  await acceptRequest(noaPage, 'mia');
  await eventually(() => texts(noaPage), ['from the first device']);
});

after(async () => {
  for (const profile of [first, second, third, noa]) await profile.close();
  await server.stop();
});

const chats = (page: Page) => page.getByRole('button', { name: 'New chat' }).first();

async function readChat(page: Page, name: string): Promise<void> {
  await page.goto(`${server.url}/#/chats`);
  await page.getByRole('list', { name: 'Chats' }).getByText(name).click();
}

test('the recovery key is shown, checked back and kept', { timeout: 120_000 }, async () => {
  words = await recoveryWords(firstPage);
  assert.equal(words.length, 24);
  await firstPage.reload();
  await firstPage.getByRole('textbox', { name: 'Message' }).waitFor();
  assert.equal(await firstPage.getByRole('region', { name: 'Recovery key' }).count(), 0);
});

test(
  'a second browser signs in and is let in with the six digits that it shows',
  { timeout: 120_000 },
  async () => {
    secondPage = await second.tab(`${server.url}/#/sign-in`);
    await signIn(secondPage, 'mia');
    await secondPage.getByRole('heading', { name: 'Approve this device' }).waitFor();

    const card = firstPage.getByRole('region', { name: 'A new device waits' });
    await card.getByRole('button', { name: 'Look at it' }).click();
    const shown = secondPage.locator('[data-digits]');
    await shown.waitFor();
    const digits = (await shown.getAttribute('data-digits')) ?? '';
    assert.match(digits, /^\d{6}$/);
    await firstPage.getByLabel('The six digits on the new device').fill(digits);
    await firstPage.getByRole('button', { name: 'Approve' }).click();
    await firstPage.getByRole('heading', { name: 'Device added' }).waitFor({ timeout: 60_000 });
    await firstPage.getByRole('button', { name: 'Done' }).click();
    await chats(secondPage).waitFor({ timeout: 60_000 });
  },
);

test('what one device sends stands on the other, and answers reach both', { timeout: 120_000 }, async () => {
  await openChat(secondPage, 'noa');
  await say(secondPage, 'from the second device');
  await eventually(async () => (await texts(firstPage)).at(-1), 'from the second device', 60_000);
  await eventually(async () => (await texts(noaPage)).at(-1), 'from the second device', 60_000);
  await say(noaPage, 'hello to both');
  for (const page of [firstPage, secondPage])
    await eventually(async () => (await texts(page)).at(-1), 'hello to both', 60_000);
  await eventually(async () => (await deliveries(noaPage)).at(-1), 'read', 60_000);
});

test('wrong digits let nobody in, and both sides say so', { timeout: 120_000 }, async () => {
  thirdPage = await third.tab(`${server.url}/#/sign-in`);
  await signIn(thirdPage, 'mia');
  await firstPage.getByRole('button', { name: 'Look at it' }).click();
  const shown = thirdPage.locator('[data-digits]');
  await shown.waitFor();
  const digits = (await shown.getAttribute('data-digits')) ?? '';
  const wrong = String((Number(digits) + 1) % 1_000_000).padStart(6, '0');
  await firstPage.getByLabel('The six digits on the new device').fill(wrong);
  await firstPage.getByRole('button', { name: 'Approve' }).click();
  await firstPage.getByText('These are not the digits on the new device.').waitFor();
  await firstPage.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await thirdPage.getByRole('heading', { name: 'This device was not added' }).waitFor();
  await thirdPage.getByRole('button', { name: 'Cancel' }).click();
});

test(
  'a third browser is added by its link, without a password, and the others hear of it',
  { timeout: 120_000 },
  async () => {
    await thirdPage.goto(`${server.url}/#/`);
    await thirdPage.getByRole('button', { name: 'Add this browser' }).click();
    await thirdPage.getByRole('img', { name: /adds this browser/ }).waitFor();
    const link = await thirdPage.getByLabel('Link of this browser').inputValue();
    assert.match(link, /\/#\/link\/[\w-]+$/);

    const phone = await second.tab(link);
    await phone.getByRole('button', { name: 'Approve' }).click();
    await phone.getByRole('heading', { name: 'Device added' }).waitFor({ timeout: 60_000 });
    await phone.getByRole('button', { name: 'Done' }).click();
    assert.doesNotMatch(phone.url(), /link/);
    await phone.close();
    await chats(thirdPage).waitFor({ timeout: 60_000 });
    await firstPage.getByText('A new device was added to your account').waitFor({ timeout: 60_000 });
    await firstPage.getByRole('link', { name: 'Remove it' }).click();
    await eventually(async () => (await devices(firstPage)).length, 3);
  },
);

test('a device is renamed, and the others call it so', { timeout: 120_000 }, async () => {
  await thirdPage.goto(`${server.url}/#/settings`);
  await thirdPage
    .getByRole('button', { name: /^Rename / })
    .first()
    .click();
  await thirdPage.getByRole('textbox', { name: /^Name of / }).fill('Kitchen tablet');
  await thirdPage.getByRole('button', { name: 'Save' }).click();
  await eventually(async () => (await devices(thirdPage))[0]?.includes('Kitchen tablet'), true);
  await eventually(
    async () => (await devices(firstPage)).some((row) => row.includes('Kitchen tablet')),
    true,
    60_000,
  );
});

test('a removed device signs out at once and keeps nothing', { timeout: 120_000 }, async () => {
  await removeDevice(firstPage, 'Kitchen tablet');
  await thirdPage.getByRole('heading', { name: 'This device was removed' }).waitFor({ timeout: 10_000 });
  await thirdPage.getByRole('button', { name: 'Go to the start' }).click();
  await thirdPage.getByRole('heading', { name: /^Welcome to/ }).waitFor();
  await thirdPage.reload();
  await thirdPage.getByRole('heading', { name: /^Welcome to/ }).waitFor();
  await eventually(async () => (await devices(firstPage)).length, 2);
});

test('the chat goes on without it', { timeout: 60_000 }, async () => {
  await readChat(firstPage, 'noa');
  await say(noaPage, 'after the removal');
  for (const page of [firstPage, secondPage])
    await eventually(async () => (await texts(page)).at(-1), 'after the removal', 60_000);
});

test(
  'with the recovery key alone somebody comes back in a fresh browser, under a new password',
  { timeout: 180_000 },
  async () => {
    await thirdPage.goto(`${server.url}/#/recover`);
    await thirdPage.getByRole('textbox', { name: 'Name', exact: true }).fill('mia');
    // As it stands on a printout.
    const typed = words.map((word, at) => `${(at + 1).toString()}. ${word.toUpperCase()}`).join('\n');
    await thirdPage.getByLabel('Recovery key').fill(typed);
    await thirdPage.getByText('24 of 24 words').waitFor();
    await thirdPage.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
    await thirdPage.getByRole('button', { name: 'Come back' }).click();
    await chats(thirdPage).waitFor({ timeout: 60_000 });
    await openChat(thirdPage, 'noa');
    await say(thirdPage, 'back with the key alone');
    await eventually(async () => (await texts(noaPage)).at(-1), 'back with the key alone', 60_000);
  },
);

test('the old password opens nothing any more, the new one does', { timeout: 120_000 }, async () => {
  await secondPage.goto(`${server.url}/#/settings`);
  await secondPage.getByRole('button', { name: 'Sign out' }).click();
  await secondPage.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await secondPage.getByRole('heading', { name: 'Welcome back, mia' }).waitFor();
  await signIn(secondPage, 'mia', PASSWORD);
  await secondPage.getByText('Name or password is wrong.').waitFor({ timeout: 30_000 });
  await signIn(secondPage, 'mia', NEW_PASSWORD);
  await chats(secondPage).waitFor({ timeout: 60_000 });
});

test('a forgotten password is replaced on a device that is signed out', { timeout: 120_000 }, async () => {
  await secondPage.goto(`${server.url}/#/settings`);
  await secondPage.getByRole('button', { name: 'Sign out' }).click();
  await secondPage.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await secondPage.getByRole('link', { name: 'Use the recovery key' }).click();
  await secondPage.getByLabel('Recovery key').fill(words.join(' '));
  await secondPage.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await secondPage.getByRole('button', { name: 'Come back' }).click();
  await chats(secondPage).waitFor({ timeout: 60_000 });
  await readChat(secondPage, 'noa');
  await eventually(async () => (await texts(secondPage)).includes('hello to both'), true);
});

test('a device removes itself and keeps nothing', { timeout: 60_000 }, async () => {
  await secondPage.goto(`${server.url}/#/settings`);
  await secondPage
    .getByRole('button', { name: /^Remove / })
    .first()
    .click();
  await secondPage.getByRole('heading', { name: 'Remove this device?' }).waitFor();
  await secondPage.getByLabel('Type “remove” to go on').fill('remove');
  await secondPage.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await secondPage.getByRole('heading', { name: /^Welcome to/ }).waitFor({ timeout: 30_000 });
  await firstPage.goto(`${server.url}/#/settings`);
  await eventually(async () => (await devices(firstPage)).length, 2);
});

test('a code outlives a reload; declined, it adds nothing and says so', { timeout: 60_000 }, async () => {
  await secondPage.getByRole('button', { name: 'Add this browser' }).click();
  const link = secondPage.getByLabel('Link of this browser');
  const address = await link.inputValue();
  await secondPage.reload();
  await eventually(() => link.inputValue(), address);

  const phone = await first.tab(address);
  await phone.getByRole('button', { name: 'Decline' }).click();
  await phone.getByText('Declined, and nothing was added.').waitFor();
  await phone.close();
  await secondPage.getByRole('heading', { name: 'This device was not added' }).waitFor({ timeout: 30_000 });
  await secondPage.getByRole('button', { name: 'Cancel' }).click();
  await eventually(async () => (await devices(firstPage)).length, 2);
});

test('no page broke the security policy or threw', () => {
  for (const profile of [first, second, third, noa]) assert.deepEqual(profile.complaints, []);
});
