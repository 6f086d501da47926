/** A community from its making to a removal, in two profiles of real Chromium. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { Profile } from './support/browser.ts';
import { composer, eventually, invite, messages, register, say, texts } from './support/screens.ts';
import { Server } from './support/server.ts';

const LIMIT = { timeout: 120_000 };

let server: Server;
let mia: Profile;
let noa: Profile;
let miaPage: Page;
let noaPage: Page;
let link = '';

before(async () => {
  server = await Server.start();
  [mia, noa] = [await Profile.open(), await Profile.open()];
  miaPage = await mia.tab(server.url);
  await register(miaPage, `${server.url}/#/setup/${server.setupToken}`, 'mia');
  const token = await invite(miaPage);
  noaPage = await noa.tab(server.url);
  await register(noaPage, `${server.url}/#/invite/${token}`, 'noa');
});

after(async () => {
  await mia.close();
  await noa.close();
  await server.stop();
});

/** What people said, without what the log tells. */
async function said(page: Page): Promise<string[]> {
  return messages(page)
    .locator('[data-text]')
    .evaluateAll((all) => all.map((one) => one.textContent));
}

async function about(page: Page, line: RegExp): Promise<void> {
  await page.getByRole('button', { name: 'About this community' }).click();
  await page.getByRole('complementary').getByRole('button', { name: line }).click();
}

test('a community is made with its first channel', LIMIT, async () => {
  await miaPage.getByRole('button', { name: 'New chat' }).first().click();
  await miaPage.getByRole('button', { name: 'New community' }).click();
  await miaPage.getByRole('textbox', { name: 'Name' }).fill('Harbour town');
  await miaPage.getByRole('button', { name: 'Make community' }).click();
  await composer(miaPage).waitFor();
  await miaPage.getByRole('navigation', { name: 'Channels' }).getByRole('link').first().waitFor();
  await say(miaPage, 'Before anybody came');
  await eventually(() => said(miaPage), ['Before anybody came']);
});

test('an invite link leads in, past a card that says where', LIMIT, async () => {
  await about(miaPage, /^Invite links/);
  await miaPage.getByRole('button', { name: 'Make an invite link' }).click();
  link = await miaPage.getByRole('textbox', { name: 'Invite link', exact: true }).inputValue();
  assert.match(link, /#\/join\//);

  await noaPage.goto(link);
  await noaPage.getByRole('heading', { name: 'Join Harbour town' }).waitFor();
  await noaPage.getByText('Invited by mia').waitFor();
  await noaPage.getByRole('button', { name: 'Join', exact: true }).click();
  await composer(noaPage).waitFor({ timeout: 60_000 });
  assert.doesNotMatch(noaPage.url(), /join/);
});

test('the newcomer writes and reads, also what was said before, as the policy says', LIMIT, async () => {
  await say(noaPage, 'Hello, harbour');
  await eventually(async () => (await said(miaPage)).at(-1), 'Hello, harbour', 60_000);
  await say(miaPage, 'Welcome, noa');
  await eventually(() => said(noaPage), ['Before anybody came', 'Hello, harbour', 'Welcome, noa'], 60_000);
  await messages(miaPage).filter({ hasText: 'noa joined by an invite' }).waitFor();
});

test('who is removed reads nothing that comes after, and sees why', LIMIT, async () => {
  const panel = miaPage.getByRole('complementary');
  await panel.getByRole('button', { name: 'Back' }).click();
  await panel.getByRole('button', { name: /^People/ }).click();
  await panel.getByRole('button', { name: 'More about noa' }).click();
  await miaPage.getByRole('menuitem', { name: 'Remove' }).click();
  const dialog = miaPage.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Reason' }).fill('wrong harbour');
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });

  await noaPage
    .getByText(/You were removed \(“wrong harbour”\)/)
    .first()
    .waitFor({ timeout: 60_000 });
  assert.equal(await composer(noaPage).count(), 0);

  await say(miaPage, 'Now we are among ourselves');
  await eventually(async () => (await said(miaPage)).at(-1), 'Now we are among ourselves');
  await noaPage.waitForTimeout(3000);
  await noaPage.reload();
  await noaPage
    .getByText(/You were removed/)
    .first()
    .waitFor({ timeout: 60_000 });
  const seen = (await texts(noaPage)).join('\n');
  assert.match(seen, /Welcome, noa/);
  assert.doesNotMatch(seen, /among ourselves/);
});

test('a link that was ended leads nowhere', LIMIT, async () => {
  const panel = miaPage.getByRole('complementary');
  await panel.getByRole('button', { name: 'Back' }).click();
  await panel.getByRole('button', { name: /^Invite links/ }).click();
  await panel.getByRole('button', { name: /^End it/ }).click();
  await panel.getByText('No link leads into this community now.').waitFor();
  await noaPage.goto(link);
  await noaPage.getByRole('heading', { name: 'This invite ended' }).waitFor();
});

test('the page asked for nothing that its policy forbids', () => {
  assert.deepEqual([...mia.complaints, ...noa.complaints], []);
});
