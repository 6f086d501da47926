/** Two people in two profiles of real Chromium: the main job, through every absence. */
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
  messages,
  openChat,
  PASSWORD,
  register,
  say,
  texts,
} from './support/screens.ts';
import { Server } from './support/server.ts';
import { Wire } from './support/wire.ts';

let server: Server;
let mia: Profile;
let noa: Profile;
let miaWire: Wire;
let noaWire: Wire;
let miaPage: Page;
let noaPage: Page;
/** Everything said, in the order in which both have to see it. */
const said: string[] = [];

before(async () => {
  server = await Server.start();
  [mia, noa] = [await Profile.open(), await Profile.open()];
  [miaWire, noaWire] = [await Wire.to(server.port), await Wire.to(server.port)];
});

after(async () => {
  await mia.close();
  await noa.close();
  miaWire.close();
  noaWire.close();
  await server.stop();
});

async function bothSee(): Promise<void> {
  const tail = said.slice(-40);
  const end = async (page: Page): Promise<string[]> => (await texts(page)).slice(-tail.length);
  await eventually(() => end(miaPage), tail, 60_000);
  await eventually(() => end(noaPage), tail, 60_000);
}

test(
  'two people register, find each other and exchange messages both ways',
  { timeout: 180_000 },
  async () => {
    miaPage = await mia.tab(miaWire.url);
    await register(miaPage, `${miaWire.url}/#/setup/${server.setupToken}`, 'mia');
    const token = await invite(miaPage);
    noaPage = await noa.tab(noaWire.url);
    await register(noaPage, `${noaWire.url}/#/invite/${token}`, 'noa');

    await openChat(miaPage, 'noa');
    await say(miaPage, 'hello noa');
    said.push('hello noa');
    await acceptRequest(noaPage, 'mia');
    await eventually(() => texts(noaPage), said);
    await say(noaPage, 'hello mia');
    said.push('hello mia');
    await bothSee();
    await eventually(() => deliveries(miaPage), ['read']);
  },
);

test('both reload and everything is still there', { timeout: 120_000 }, async () => {
  await miaPage.reload();
  await noaPage.reload();
  await bothSee();
  await say(miaPage, 'after the reload');
  said.push('after the reload');
  await bothSee();
});

test(
  'a person who goes offline keeps writing and everything is sent when the network is back',
  { timeout: 120_000 },
  async () => {
    for (const [wire, page, name] of [
      [miaWire, miaPage, 'mia'],
      [noaWire, noaPage, 'noa'],
    ] as const) {
      wire.pull();
      await say(page, `${name} offline one`);
      await say(page, `${name} offline two`);
      await eventually(async () => (await deliveries(page)).slice(-2), ['queued', 'queued']);
      wire.plug();
      said.push(`${name} offline one`, `${name} offline two`);
      await bothSee();
    }
  },
);

test('the outbox survives a reload', { timeout: 120_000 }, async () => {
  miaWire.pull();
  await say(miaPage, 'written before the reload');
  await eventually(async () => (await deliveries(miaPage)).slice(-1), ['queued']);
  // The page itself comes over the same wire, so it is plugged in for the reload alone.
  miaWire.plug();
  await miaPage.reload();
  said.push('written before the reload');
  await bothSee();
});

test('200 messages sent while one is away arrive once and in order', { timeout: 240_000 }, async () => {
  noaWire.pull();
  for (let n = 0; n < 200; n += 1) {
    await say(miaPage, `number ${n.toString()}`);
    said.push(`number ${n.toString()}`);
  }
  await eventually(async () => (await deliveries(miaPage)).slice(-1), ['sent'], 60_000);
  const before = noaWire.sent.length;
  noaWire.plug();
  await bothSee();
  // What arrives together is stored and acknowledged together.
  assert.ok(
    noaWire.sent.length - before < 100,
    `${(noaWire.sent.length - before).toString()} frames and requests`,
  );
  const seen = await texts(noaPage);
  const numbers = seen.filter((text) => text.startsWith('number '));
  assert.deepEqual(numbers, said.filter((text) => text.startsWith('number ')).slice(-numbers.length));
});

test(
  'two tabs of one person send at the same time and each message arrives once',
  { timeout: 120_000 },
  async () => {
    const second = await mia.tab(miaPage.url());
    await composer(second).waitFor();
    await eventually(async () => (await texts(second)).slice(-1), said.slice(-1));
    const round = Array.from({ length: 10 }, (_, n) => n.toString());
    await Promise.all([
      (async () => {
        for (const n of round) await say(miaPage, `first tab ${n}`);
      })(),
      (async () => {
        for (const n of round) await say(second, `second tab ${n}`);
      })(),
    ]);
    const sorted = async (page: Page): Promise<string[]> =>
      (await texts(page)).filter((text) => text.includes(' tab ')).sort();
    const expected = round.flatMap((n) => [`first tab ${n}`, `second tab ${n}`]).sort();
    await eventually(() => sorted(noaPage), expected);
    await eventually(() => sorted(miaPage), expected);
    // How much of the past each window holds is its own matter; what it ends with is not.
    const end = async (page: Page): Promise<string[]> => (await texts(page)).slice(-40);
    await eventually(() => end(second), await end(miaPage));
    await eventually(() => end(noaPage), await end(miaPage));
    said.push(...(await texts(miaPage)).filter((text) => text.includes(' tab ')));

    // The tab that owns the engine closes; the other goes on.
    await miaPage.close();
    miaPage = second;
    await say(miaPage, 'the other tab went on');
    said.push('the other tab went on');
    await bothSee();
  },
);

test('the browser closes and comes back with everything', { timeout: 120_000 }, async () => {
  const url = miaPage.url();
  await mia.restart();
  miaPage = await mia.tab(url);
  await messages(miaPage).first().waitFor();
  await bothSee();
  await say(miaPage, 'back again');
  said.push('back again');
  await bothSee();
});

test('nothing readable is on the wire, in the database or in the log', () => {
  const crossed = [miaWire, noaWire].flatMap((wire) => [
    { name: 'sent', bytes: Buffer.concat(wire.sent) },
    { name: 'received', bytes: Buffer.concat(wire.received) },
  ]);
  const kept = server.files();
  assert.ok(kept.length >= 2, 'the database and the log are there');
  const secrets = [...said, PASSWORD];
  for (const { name, bytes } of [...crossed, ...kept]) {
    for (const secret of secrets) {
      assert.equal(bytes.includes(secret), false, `«${secret}» is readable in ${name}`);
      const coded = Buffer.from(secret).toString('base64').replace(/=+$/, '');
      assert.equal(bytes.includes(coded), false, `«${secret}» is readable as base64 in ${name}`);
    }
  }
  // A handle is where the threat model lists it: in the accounts of the database, never in the log.
  const log = kept.find(({ name }) => name.endsWith('.log'));
  assert.doesNotMatch(log?.bytes.toString() ?? '', /\b(mia|noa)\b/);
});

test('no page broke the security policy or threw', () => {
  assert.deepEqual(mia.complaints, []);
  assert.deepEqual(noa.complaints, []);
});
