/** The device's store in real Chromium: sealed on disk, one owner among the tabs, nothing lost when that one dies. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { Profile } from './support/browser.ts';
import { deliveries, eventually, openChat, register, say, texts } from './support/screens.ts';
import { Server } from './support/server.ts';

const SECRET = 'the otters meet at the old weir';

let server: Server;
let mia: Profile;
let page: Page;
let chat: string;

before(async () => {
  server = await Server.start();
  mia = await Profile.open();
  page = await mia.tab(server.url);
  await register(page, `${server.url}/#/setup/${server.setupToken}`, 'mia');
  // Saved messages: a chat that needs nobody else.
  await openChat(page, 'mia');
  await say(page, SECRET);
  await eventually(() => texts(page), [SECRET]);
  chat = page.url();
});

after(async () => {
  await mia.close();
  await server.stop();
});

/** A page of the same origin without the app, so that nobody holds the store. */
async function besideTheApp(work: (beside: Page) => Promise<void>): Promise<void> {
  await page.goto(`${server.url}/healthz`);
  await work(page);
  await page.goto(chat);
}

test('the files of the store hold nothing readable', { timeout: 60_000 }, async () => {
  await besideTheApp(async (beside) => {
    const { files, found } = await beside.evaluate(
      async (words) => {
        const found: string[] = [];
        let files = 0;
        const look = async (folder: FileSystemDirectoryHandle): Promise<void> => {
          for await (const handle of folder.values()) {
            if (handle.kind === 'directory') {
              await look(handle as FileSystemDirectoryHandle);
              continue;
            }
            const bytes = await (await (handle as FileSystemFileHandle).getFile()).arrayBuffer();
            const text = new TextDecoder('latin1').decode(bytes);
            if (bytes.byteLength > 4096) files += 1;
            found.push(...words.filter((word) => text.includes(word)));
          }
        };
        await look(await navigator.storage.getDirectory());
        return { files, found };
      },
      [SECRET, 'SQLite format', 'CREATE TABLE'],
    );
    assert.ok(files > 0, 'the store is there');
    assert.deepEqual(found, []);
  });
  await eventually(() => texts(page), [SECRET]);
});

test(
  'with another key the store stays closed, and with its own it opens again',
  { timeout: 60_000 },
  async () => {
    /** Puts another key into the key ring and keeps the right one beside it, or puts the right one back. */
    const exchange = (beside: Page, back: boolean): Promise<void> =>
      beside.evaluate(async (back) => {
        const result = <T>(request: IDBRequest<T>): Promise<T> =>
          new Promise((done, fail) => {
            request.onsuccess = () => {
              done(request.result);
            };
            request.onerror = () => {
              fail(new Error('the key ring'));
            };
          });
        interface Kept {
          device: string;
          wrapping: CryptoKey;
          nonce: Uint8Array<ArrayBuffer>;
          sealed: ArrayBuffer;
        }
        const database = await result(indexedDB.open('conclave-keyring'));
        const ring = () => database.transaction('devices', 'readwrite').objectStore('devices');
        const kept = (await result(ring().get(back ? 'kept' : 'device'))) as Kept;
        if (back) {
          await result(ring().put({ ...kept, device: 'device' }));
        } else {
          await result(ring().put({ ...kept, device: 'kept' }));
          const additionalData = new TextEncoder().encode('conclave store device');
          const algorithm = { name: 'AES-GCM', iv: kept.nonce, additionalData };
          const other = crypto.getRandomValues(new Uint8Array(32));
          const sealed = await crypto.subtle.encrypt(algorithm, kept.wrapping, other);
          await result(ring().put({ ...kept, sealed }));
        }
        database.close();
      }, back);

    await besideTheApp((beside) => exchange(beside, false));
    await page.getByText('The data on this device cannot be opened.').waitFor();
    await besideTheApp((beside) => exchange(beside, true));
    await eventually(() => texts(page), [SECRET]);
  },
);

test(
  'when the tab with the engine crashes, another takes over within seconds',
  { timeout: 60_000 },
  async () => {
    const second = await mia.tab(chat);
    await eventually(() => texts(second), [SECRET]);
    const debug = await page.context().newCDPSession(page);
    // Never answers: the tab is gone.
    debug.send('Page.crash').catch(() => undefined);
    await say(second, 'still here');
    await eventually(() => deliveries(second), ['sent', 'sent'], 5_000);
    await second.reload();
    await eventually(() => texts(second), [SECRET, 'still here']);
    page = second;
  },
);

test('no page broke the security policy or threw', () => {
  assert.deepEqual(mia.complaints, []);
});
