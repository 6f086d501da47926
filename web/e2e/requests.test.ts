/** A stranger writes and is accepted; another one is blocked. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { Profile } from './support/browser.ts';
import {
  acceptRequest,
  composer,
  deliveries,
  eventually,
  invite,
  openChat,
  openRequest,
  register,
  say,
  texts,
} from './support/screens.ts';
import { Server } from './support/server.ts';

/** Receipts that were to come would have come by then. */
const LONG_ENOUGH = 3_000;

let server: Server;
let mia: Profile;
let noa: Profile;
let eve: Profile;
let miaPage: Page;
let noaPage: Page;
let evePage: Page;

before(async () => {
  server = await Server.start();
  [mia, noa, eve] = await Promise.all([Profile.open(), Profile.open(), Profile.open()]);
  miaPage = await mia.tab(server.url);
  await register(miaPage, `${server.url}/#/setup/${server.setupToken}`, 'mia');
  noaPage = await noa.tab(server.url);
  await register(noaPage, `${server.url}/#/invite/${await invite(miaPage)}`, 'noa');
  evePage = await eve.tab(server.url);
  await register(evePage, `${server.url}/#/invite/${await invite(miaPage)}`, 'eve');
});

after(async () => {
  for (const profile of [mia, noa, eve]) await profile.close();
  await server.stop();
});

const blocked = (page: Page) => page.getByRole('list', { name: 'Blocked people' }).getByRole('listitem');

test(
  'a stranger waits apart, unread by their account of it, and leads nowhere',
  { timeout: 90_000 },
  async () => {
    await openChat(noaPage, 'mia');
    await say(noaPage, 'look at https://example.org/harbour');
    await openRequest(miaPage, 'noa');
    await eventually(() => texts(miaPage), ['look at https://example.org/harbour']);
    await miaPage.getByRole('heading', { name: 'noa would like to write to you' }).waitFor();
    assert.equal(await miaPage.getByRole('feed').getByRole('link').count(), 0);
    assert.match(await miaPage.title(), /^noa · /u, 'no number of what is unread');
    await new Promise((done) => setTimeout(done, LONG_ENOUGH));
    assert.deepEqual(await deliveries(noaPage), ['sent']);
  },
);

test('once accepted it is a chat like all others', { timeout: 60_000 }, async () => {
  await acceptRequest(miaPage, 'noa');
  await eventually(() => deliveries(noaPage), ['read']);
  await eventually(() => miaPage.getByRole('feed').getByRole('link').count(), 1);
  await say(miaPage, 'I see it from here');
  await eventually(() => texts(noaPage), ['look at https://example.org/harbour', 'I see it from here']);
});

test('who is blocked reaches nobody, and stands in the settings', { timeout: 90_000 }, async () => {
  await openChat(evePage, 'mia');
  await say(evePage, 'buy this');
  await openRequest(miaPage, 'eve');
  await eventually(() => texts(miaPage), ['buy this']);
  await miaPage.getByRole('button', { name: 'Block', exact: true }).click();
  await miaPage.getByRole('button', { name: /^Requests/ }).waitFor({ state: 'detached' });
  await say(evePage, 'hello?');
  await eventually(() => deliveries(evePage), ['sent', 'sent']);
  await new Promise((done) => setTimeout(done, LONG_ENOUGH));
  assert.deepEqual(await deliveries(evePage), ['sent', 'sent'], 'nothing tells them');
  await composer(evePage).waitFor();
  assert.equal(await miaPage.getByRole('button', { name: /^Requests/ }).count(), 0);

  await miaPage.goto(`${server.url}/#/settings`);
  await eventually(() => blocked(miaPage).count(), 1);
  await miaPage.getByRole('button', { name: 'Unblock eve' }).click();
  await miaPage.getByText('You have blocked nobody.').waitFor();
  await miaPage.goto(`${server.url}/#/chats`);
  await openRequest(miaPage, 'eve');
  await eventually(() => texts(miaPage), ['buy this']);
  await say(evePage, 'sorry');
  await eventually(() => texts(miaPage), ['buy this', 'sorry']);
  await miaPage.getByRole('button', { name: 'Delete', exact: true }).click();
  await miaPage.getByRole('button', { name: /^Requests/ }).waitFor({ state: 'detached' });
});
