/** What two people do with messages, in two profiles of real Chromium. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Locator, Page } from 'playwright-core';

import { Profile } from './support/browser.ts';
import { composer, eventually, invite, messages, openChat, register, say, texts } from './support/screens.ts';
import { Server } from './support/server.ts';

const LIMIT = { timeout: 120_000 };

let server: Server;
let mia: Profile;
let noa: Profile;
let miaPage: Page;
let noaPage: Page;

before(async () => {
  server = await Server.start();
  [mia, noa] = [await Profile.open(), await Profile.open()];
  miaPage = await mia.tab(server.url);
  await register(miaPage, `${server.url}/#/setup/${server.setupToken}`, 'mia');
  const token = await invite(miaPage);
  noaPage = await noa.tab(server.url);
  await register(noaPage, `${server.url}/#/invite/${token}`, 'noa');
  await openChat(miaPage, 'noa');
  await say(miaPage, 'Shall we take the kayaks?');
  await noaPage.getByRole('list', { name: 'Chats' }).getByText('mia').click();
  await eventually(() => texts(noaPage), ['Shall we take the kayaks?']);
});

after(async () => {
  await mia.close();
  await noa.close();
  await server.stop();
});

/** The newest message that says this. */
function saying(page: Page, words: string): Locator {
  return messages(page).filter({ hasText: words }).last();
}

async function act(page: Page, words: string, button: string): Promise<void> {
  await saying(page, words).hover();
  await saying(page, words).getByRole('button', { name: button, exact: true }).click();
}

async function choose(page: Page, words: string, item: string): Promise<void> {
  await act(page, words, 'More');
  await page.getByRole('menuitem', { name: item }).click();
}

test('a reply carries what it answers', LIMIT, async () => {
  await act(noaPage, 'kayaks', 'Reply');
  await noaPage.getByText('Reply to mia').waitFor();
  await say(noaPage, 'Only if you do the paddling');
  await saying(miaPage, 'paddling')
    .getByRole('button', { name: /^Reply to You: Shall we take/ })
    .waitFor();
});

test('Arrow-Up edits the last own message; the other sees it and what it said before', LIMIT, async () => {
  await composer(noaPage).focus();
  await noaPage.keyboard.press('ArrowUp');
  const field = noaPage.getByRole('textbox', { name: 'Edit message' });
  await field.fill('Only if you do **all** the paddling');
  await field.press('Enter');
  await eventually(async () => (await texts(miaPage)).at(-1), 'Only if you do all the paddling');
  assert.equal(await saying(miaPage, 'paddling').locator('strong').textContent(), 'all');
  await saying(miaPage, 'paddling').getByRole('button', { name: 'edited' }).click();
  await miaPage.getByRole('dialog').getByText('Only if you do the paddling').waitFor();
  await miaPage.keyboard.press('Escape');
});

test('a poll counts the votes of both', LIMIT, async () => {
  await miaPage.getByRole('button', { name: 'Make a poll' }).click();
  await miaPage.getByRole('textbox', { name: 'Question' }).fill('When do we leave?');
  await miaPage.getByRole('textbox', { name: 'Answer 1' }).fill('At 6:40');
  await miaPage.getByRole('textbox', { name: 'Answer 2' }).fill('At 8:10');
  await miaPage.getByRole('button', { name: 'Send poll' }).click();
  const answer = (page: Page, name: RegExp) =>
    saying(page, 'When do we leave?').getByRole('button', { name });
  await answer(noaPage, /^At 6:40: 0 votes/).click();
  await answer(miaPage, /^At 6:40: 1 vote,/).click();
  await answer(noaPage, /^At 6:40: 2 votes, 100 percent/).waitFor();
  await saying(miaPage, 'When do we leave?').getByRole('button', { name: 'Close poll' }).click();
  await saying(noaPage, 'When do we leave?').getByText('Closed').waitFor();
});

test('a deletion can be taken back; what is deleted for everyone is gone for both', LIMIT, async () => {
  await say(noaPage, 'This was for somebody else');
  await saying(miaPage, 'somebody else').waitFor();
  await choose(noaPage, 'somebody else', 'Delete for everyone');
  await noaPage.getByRole('button', { name: 'Undo' }).click();
  await saying(noaPage, 'somebody else').waitFor();
  await choose(noaPage, 'somebody else', 'Delete for everyone');
  await eventually(async () => (await texts(miaPage)).at(-1), 'This message was deleted', 30_000);
});

test('a timer is told in the chat and marks what is sent after it', LIMIT, async () => {
  await miaPage.getByRole('button', { name: 'About this chat' }).click();
  await miaPage.getByRole('combobox', { name: 'Messages disappear after' }).selectOption({ label: '1 week' });
  await miaPage.keyboard.press('Escape');
  await messages(miaPage).filter({ hasText: 'disappear after 1 week' }).waitFor();
});

test('the page asked for nothing that its policy forbids', () => {
  assert.deepEqual([...mia.complaints, ...noa.complaints], []);
});
