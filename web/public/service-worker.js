// Wakes the app where it is closed. It has no key and opens nothing: what the server pushes says no more than that there
// is something, in which room, and whether it may sound. What was written is opened by the app.

const ICON = '/icon.svg';
const TAG = 'conclave-wake';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('push', (event) => event.waitUntil(wake(event.data)));

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.room ?? null));
});

// The browser gave another address. Only the app may tell the server, so it is made ready here and told there: at once
// where the app is open, else at its next start.
self.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(renew(event)));

async function wake(data) {
  const { softly, room } = read(data);
  const windows = await all();
  // The app is in sight and shows what there is by itself.
  if (windows.some((client) => client.visibilityState === 'visible')) return;
  const text = softly
    ? 'There is something new in a chat of which you hear of mentions only.'
    : 'Open Conclave to read it.';
  await self.registration.showNotification(softly ? 'New activity' : 'New message', {
    body: text,
    tag: TAG,
    // What is there already is replaced; it sounds again only for what may.
    renotify: !softly,
    silent: softly,
    icon: ICON,
    badge: ICON,
    data: { room },
  });
}

// Also where something is pushed that this version does not know: then it is told of as of any message.
function read(data) {
  try {
    const bytes = new Uint8Array(data.arrayBuffer());
    if (bytes.length < 35 || bytes[0] !== 1) return { softly: false, room: null };
    const room = bytes[2] === 1 ? base64url(bytes.subarray(3, 35)) : null;
    return { softly: bytes[1] === 1, room };
  } catch {
    return { softly: false, room: null };
  }
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function all() {
  return self.clients.matchAll({ type: 'window', includeUncontrolled: true });
}

async function open(room) {
  const link = room === null ? '/#/chats' : `/#/chats/${encodeURIComponent(room)}`;
  const [client] = await all();
  if (!client) return self.clients.openWindow(link);
  // The page goes there by itself, so that nothing that is being written is lost.
  client.postMessage({ type: 'open', room });
  return client.focus();
}

async function renew(event) {
  const options = event.oldSubscription?.options;
  if (!event.newSubscription && options?.applicationServerKey) {
    await self.registration.pushManager
      .subscribe({ userVisibleOnly: true, applicationServerKey: options.applicationServerKey })
      .catch(() => undefined);
  }
  for (const client of await all()) client.postMessage({ type: 'subscription' });
}
