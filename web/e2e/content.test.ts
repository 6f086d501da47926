/** What two people do with messages, in two profiles of real Chromium. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Locator, Page } from 'playwright-core';

import { Profile } from './support/browser.ts';
import {
  acceptRequest,
  composer,
  eventually,
  invite,
  messages,
  openChat,
  register,
  say,
  texts,
} from './support/screens.ts';
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
  await acceptRequest(noaPage, 'mia');
  await eventually(() => texts(noaPage), ['Shall we take the kayaks?']);
});

after(async () => {
  await mia.close();
  await noa.close();
  await server.stop();
});

/** The newest message that says this itself; a quote of it does not count. */
function saying(page: Page, words: string): Locator {
  return messages(page)
    .filter({ has: page.locator('[data-text]', { hasText: words }) })
    .last();
}

async function act(page: Page, words: string, button: string): Promise<void> {
  await saying(page, words).hover();
  await saying(page, words).getByRole('button', { name: button, exact: true }).click();
}

async function choose(page: Page, words: string, item: string): Promise<void> {
  await act(page, words, 'More');
  await page.getByRole('menuitem', { name: item }).click();
}

test('a reaction shows on both sides, and goes when it is taken back', LIMIT, async () => {
  await act(noaPage, 'kayaks', 'React');
  await noaPage.getByRole('searchbox', { name: 'Search emoji' }).fill('thumbs up');
  await noaPage.keyboard.press('Enter');
  const shown = (page: Page) => saying(page, 'kayaks').getByRole('button', { name: /^👍, 1 person: / });
  await shown(noaPage).waitFor();
  await shown(miaPage).waitFor();
  assert.match((await shown(miaPage).getAttribute('aria-label')) ?? '', /noa/);
  await shown(noaPage).click();
  await shown(miaPage).waitFor({ state: 'detached' });
});

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

test('a thread stands beside the chat on both sides', LIMIT, async () => {
  await act(noaPage, 'kayaks', 'Reply in thread');
  const thread = (page: Page) => page.getByRole('complementary', { name: 'Thread' });
  const field = thread(noaPage).getByRole('textbox', { name: 'Reply in thread' });
  await field.fill('Which ones, though?');
  await field.press('Enter');
  await thread(noaPage).getByText('Which ones, though?').waitFor();
  await saying(miaPage, 'kayaks')
    .getByRole('button', { name: /^1 reply/ })
    .click();
  await thread(miaPage).getByText('Which ones, though?').waitFor();
  await thread(miaPage).getByRole('button', { name: 'Close' }).click();
  await thread(noaPage).getByRole('button', { name: 'Close' }).click();
});

test('what is pinned is found again by the other', LIMIT, async () => {
  await choose(miaPage, 'kayaks', 'Pin');
  await noaPage.getByRole('button', { name: 'Pinned messages' }).click();
  const panel = noaPage.getByRole('complementary', { name: 'Pinned messages' });
  await panel.getByRole('button', { name: /Shall we take the kayaks/ }).waitFor();
  await panel.getByRole('button', { name: 'Close' }).click();
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

test('forwarding says whose it was', LIMIT, async () => {
  await openChat(noaPage, 'noa');
  await noaPage.getByRole('list', { name: 'Chats' }).getByText('mia').click();
  await choose(noaPage, 'kayaks', 'Forward');
  await noaPage.getByRole('button', { name: 'Send to Saved messages' }).click();
  await noaPage.getByText('Sent', { exact: true }).waitFor();
  await noaPage.keyboard.press('Escape');
  await noaPage.getByRole('list', { name: 'Chats' }).getByText('Saved messages').click();
  await saying(noaPage, 'kayaks').getByText('Forwarded from mia').waitFor();
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
