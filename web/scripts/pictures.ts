/**
 * Takes the pictures of the README from the real thing: a server, two people, two browsers.
 *
 *     node scripts/pictures.ts     (after `cargo xtask run` or `cargo xtask test e2e` has built the server)
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { Profile } from '../e2e/support/browser.ts';
import { deliveries, eventually, invite, openChat, register, say, texts } from '../e2e/support/screens.ts';
import { Server } from '../e2e/support/server.ts';

const out = join(import.meta.dirname, '../../docs/images');
mkdirSync(out, { recursive: true });

const server = await Server.start();
const [mia, noa] = [await Profile.open(), await Profile.open()];
try {
  const miaPage = await mia.tab(server.url);
  await register(miaPage, `${server.url}/#/setup/${server.setupToken}`, 'mia');
  const token = await invite(miaPage);
  const noaPage = await noa.tab(server.url);
  await register(noaPage, `${server.url}/#/invite/${token}`, 'noa');

  await openChat(miaPage, 'mia');
  await say(miaPage, 'Boat shed key: second hook, behind the oars');
  await openChat(miaPage, 'noa');
  await say(miaPage, 'Did you see the fog over the lake this morning?');
  await noaPage.getByRole('list', { name: 'Chats' }).getByText('mia').click();
  await eventually(async () => (await texts(noaPage)).length, 1);
  await say(noaPage, 'I did! I stood at the pier for an hour.');
  await say(noaPage, 'Take the early boat with me on Saturday?');
  await eventually(async () => (await texts(miaPage)).length, 3);
  await say(
    miaPage,
    'Deal. I bring coffee, you bring the blanket. The thick one, please: I remember last year.',
  );
  await eventually(async () => (await deliveries(miaPage)).at(-1), 'read');
  await say(noaPage, 'Ha. I’ll quote you.');
  await eventually(async () => (await texts(miaPage)).length, 5);

  for (const page of [miaPage, noaPage]) await page.getByRole('button', { name: 'Later' }).click();
  for (const theme of ['light', 'dark'] as const) {
    await miaPage.emulateMedia({ colorScheme: theme });
    // Colours move for a moment.
    await miaPage.waitForTimeout(500);
    await miaPage.screenshot({ path: join(out, `chat-${theme}.png`) });
  }
  await noaPage.setViewportSize({ width: 390, height: 780 });
  await noaPage.waitForTimeout(500);
  await noaPage.screenshot({ path: join(out, 'chat-narrow.png') });
} finally {
  await mia.close();
  await noa.close();
  await server.stop();
}
