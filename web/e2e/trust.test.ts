/** Two people compare, one starts again as a new identity, and the other is asked before anything is sent. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { Profile } from './support/browser.ts';
import {
  acceptRequest,
  composer,
  eventually,
  invite,
  openChat,
  PASSWORD,
  register,
  say,
  signIn,
  texts,
} from './support/screens.ts';
import { Server } from './support/server.ts';

let server: Server;
let mia: Profile;
let noa: Profile;
let again: Profile;
let miaPage: Page;
let noaPage: Page;
let againPage: Page;

before(async () => {
  server = await Server.start();
  [mia, noa, again] = await Promise.all([Profile.open(), Profile.open(), Profile.open()]);
  miaPage = await mia.tab(server.url);
  await register(miaPage, `${server.url}/#/setup/${server.setupToken}`, 'mia');
  const token = await invite(miaPage);
  noaPage = await noa.tab(server.url);
  await register(noaPage, `${server.url}/#/invite/${token}`, 'noa');
  await openChat(miaPage, 'noa');
  await say(miaPage, 'hello');
  await acceptRequest(noaPage, 'mia');
  await eventually(() => texts(noaPage), ['hello']);
});

after(async () => {
  for (const profile of [mia, noa, again]) await profile.close();
  await server.stop();
});

/** Opens the safety number from the chat's header and reads it. */
async function safetyNumber(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'About this chat' }).click();
  await page.getByRole('button', { name: 'Compare' }).click();
  const groups = page.getByRole('list', { name: 'Safety number' }).getByRole('listitem');
  await eventually(() => groups.count(), 12);
  return (await groups.allTextContents()).join(' ');
}

const marked = (page: Page) => page.locator('header [data-verified]').count();

test('both see the same number, and a mark stands by the name of whom one compared', async () => {
  const [one, other] = [await safetyNumber(miaPage), await safetyNumber(noaPage)];
  assert.equal(one, other);
  assert.match(one, /^(\d{5} ){11}\d{5}$/);
  await noaPage.getByRole('button', { name: 'They match' }).click();
  await noaPage.getByRole('heading', { name: 'Verified', exact: true }).waitFor();
  await noaPage.getByRole('button', { name: 'Close' }).click();
  await eventually(() => marked(noaPage), 1);
  assert.equal(await marked(miaPage), 0, 'the other one has not compared');
});

test('the code of the other one fits when it is opened as a link, and no other code does', async () => {
  await noaPage.getByRole('button', { name: 'About this chat' }).click();
  await noaPage.getByRole('button', { name: 'Look at it' }).click();
  await noaPage.getByText('Compare by code instead').click();
  const link = await noaPage.getByLabel('Link of your safety code').inputValue();
  assert.match(link, /\/#\/verify\/noa\//);
  await noaPage.getByRole('button', { name: 'Close' }).click();

  await miaPage.getByText('Compare by code instead').click();
  const field = miaPage.getByLabel('What noa shows');
  await field.fill(await miaPage.getByLabel('Link of your safety code').inputValue());
  await miaPage.getByRole('button', { name: 'Compare' }).click();
  await miaPage.getByText('This is the code that you show.').waitFor();
  const scanning = await mia.tab(link);
  await scanning.getByText('The codes match').waitFor();
  await scanning.close();
  await miaPage.getByRole('button', { name: 'Close' }).click();
  await eventually(() => marked(miaPage), 1);
});

test('what changed says how the account began', async () => {
  await miaPage.getByRole('button', { name: 'About this chat' }).click();
  await miaPage.getByRole('button', { name: 'What changed' }).click();
  const changes = miaPage.getByRole('list', { name: 'What changed' }).getByRole('listitem');
  await eventually(async () => (await changes.allTextContents()).length, 1);
  await miaPage.getByText('The account was made').waitFor();
  await miaPage.getByRole('button', { name: 'Close' }).click();
});

test(
  'somebody who lost everything but the password starts again under the same name',
  { timeout: 120_000 },
  async () => {
    againPage = await again.tab(`${server.url}/#/sign-in`);
    await signIn(againPage, 'noa');
    await againPage.getByRole('button', { name: 'I have neither' }).click();
    await againPage.getByRole('button', { name: 'Start again under my name' }).click();
    await againPage.getByRole('heading', { name: 'Start again' }).waitFor();
    assert.equal(await againPage.getByRole('textbox', { name: 'Name', exact: true }).inputValue(), 'noa');
    await againPage.getByLabel('Password', { exact: true }).fill(PASSWORD);
    const start = againPage.getByRole('button', { name: 'Start again' });
    assert.equal(await start.isDisabled(), true, 'what cannot be undone is typed');
    await againPage.getByLabel('Type your name once more to start again').fill('noa');
    await start.click();
    await againPage.getByRole('button', { name: 'New chat' }).first().waitFor({ timeout: 60_000 });
    await noaPage.getByText('This account has ended').waitFor({ timeout: 30_000 });
  },
);

test('nothing is sent to the new identity before its contact chose', { timeout: 120_000 }, async () => {
  await openChat(againPage, 'mia');
  await say(againPage, 'a new phone');
  const rows = miaPage.getByRole('list', { name: 'Chats' }).getByRole('link');
  await eventually(
    async () => (await rows.allTextContents()).filter((row) => row.includes('noa')).length,
    2,
    60_000,
  );
  await rows.filter({ hasText: 'a new phone' }).click();
  await miaPage.getByRole('heading', { name: 'This is not the noa whom you compared' }).waitFor();
  assert.equal(await composer(miaPage).count(), 0);
  await miaPage.getByRole('button', { name: 'Accept…' }).click();
  await miaPage.getByRole('button', { name: 'Write without comparing' }).click();
  await composer(miaPage).waitFor();
  await say(miaPage, 'welcome back');
  await eventually(async () => (await texts(againPage)).at(-1), 'welcome back', 60_000);
});

test('the old chat stays and says where the new one is', async () => {
  const old = miaPage.getByRole('list', { name: 'Chats' }).getByRole('link').filter({ hasText: 'hello' });
  await old.click();
  await miaPage.getByText('noa has a new identity, and a new chat with it.').waitFor();
  await miaPage.getByRole('button', { name: 'Open the new chat' }).click();
  await eventually(async () => (await texts(miaPage)).at(-1), 'welcome back');
});

test('no page broke the security policy or threw', () => {
  for (const profile of [mia, noa, again]) assert.deepEqual(profile.complaints, []);
});
