import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';

import { expect, test } from 'vitest';

type Handler = (event: unknown) => void;
interface Client {
  visibilityState: string;
  told: unknown[];
  focused: boolean;
}

/** The service worker as it ships, in a world of its own. */
function start(clients: Client[] = []) {
  const handlers = new Map<string, Handler>();
  const shown: { title: string; options: { body: string; silent: boolean; tag: string; data: unknown } }[] =
    [];
  const opened: string[] = [];
  const subscribed: unknown[] = [];
  const windows = clients.map((client) => ({
    visibilityState: client.visibilityState,
    postMessage: (message: unknown) => client.told.push(message),
    focus: () => (client.focused = true),
  }));
  const self = {
    addEventListener: (type: string, handle: Handler) => handlers.set(type, handle),
    skipWaiting: () => Promise.resolve(),
    clients: {
      matchAll: () => Promise.resolve(windows),
      openWindow: (link: string) => opened.push(link),
      claim: () => Promise.resolve(),
    },
    registration: {
      showNotification: (title: string, options: (typeof shown)[0]['options']) => {
        shown.push({ title, options });
        return Promise.resolve();
      },
      pushManager: {
        subscribe: (options: unknown) => {
          subscribed.push(options);
          return Promise.resolve();
        },
      },
    },
  };
  const script = readFileSync(join(process.cwd(), 'public/service-worker.js'), 'utf8');
  runInNewContext(script, { self, Uint8Array, btoa, String, encodeURIComponent, Promise });
  const fire = async (type: string, event: object) => {
    let done: Promise<unknown> = Promise.resolve();
    handlers.get(type)?.({ ...event, waitUntil: (doing: Promise<unknown>) => (done = doing) });
    await done;
  };
  return { fire, shown, opened, subscribed };
}

function pushed(...head: number[]) {
  const bytes = new Uint8Array(64);
  bytes.set(head);
  return { data: { arrayBuffer: () => bytes.buffer } };
}

const room = (byte: number) => Array.from({ length: 32 }, () => byte);

test('a wake shows that there is a message and no word of it', async () => {
  const worker = start();
  await worker.fire('push', pushed(1, 0, 1, ...room(0xff)));
  const [{ title, options } = { title: '', options: null }] = worker.shown;
  expect(title).toBe('New message');
  expect(options).toMatchObject({
    body: 'Open Conclave to read it.',
    silent: false,
    data: { room: '__________________________________________8' },
  });
});

test('a wake of a chat of mentions makes no sound', async () => {
  const worker = start();
  await worker.fire('push', pushed(1, 1, 0));
  expect(worker.shown.map(({ title, options }) => [title, options.silent, options.data])).toEqual([
    ['New activity', true, { room: null }],
  ]);
});

test.each([[{ data: null }], [pushed(9, 1, 1)], [{ data: { arrayBuffer: () => new ArrayBuffer(3) } }]])(
  'something unknown that is pushed is shown all the same, for a browser asks for that',
  async (event) => {
    const worker = start();
    await worker.fire('push', event);
    expect(worker.shown.map(({ title }) => title)).toEqual(['New message']);
  },
);

test('an app in sight is left alone and one out of sight is not', async () => {
  const seen = start([{ visibilityState: 'visible', told: [], focused: false }]);
  await seen.fire('push', pushed(1, 0, 0));
  expect(seen.shown).toEqual([]);
  const hidden = start([{ visibilityState: 'hidden', told: [], focused: false }]);
  await hidden.fire('push', pushed(1, 0, 0));
  expect(hidden.shown).toHaveLength(1);
});

const click = (data: unknown) => {
  const notification = { data, closed: false, close: () => (notification.closed = true) };
  return { notification };
};

test('a press opens the chat, in the app where it is open', async () => {
  const closed = start();
  const event = click({ room: 'a_b' });
  await closed.fire('notificationclick', event);
  expect([closed.opened, event.notification.closed]).toEqual([['/#/chats/a_b'], true]);

  const client: Client = { visibilityState: 'hidden', told: [], focused: false };
  const open = start([client]);
  await open.fire('notificationclick', click(null));
  expect([open.opened, client]).toEqual([
    [],
    { visibilityState: 'hidden', told: [{ type: 'open', room: null }], focused: true },
  ]);
});

test('an address that the browser took back is replaced, and the app is told', async () => {
  const client: Client = { visibilityState: 'hidden', told: [], focused: false };
  const worker = start([client]);
  const options = { applicationServerKey: new ArrayBuffer(65) };
  await worker.fire('pushsubscriptionchange', { oldSubscription: { options } });
  expect(worker.subscribed).toEqual([{ userVisibleOnly: true, ...options }]);
  expect(client.told).toEqual([{ type: 'subscription' }]);
  await worker.fire('pushsubscriptionchange', { oldSubscription: { options }, newSubscription: {} });
  expect(worker.subscribed).toHaveLength(1);
});
