/**
 * The door to what a browser has for waking people: permission, the address at its push service, notifications. Screens
 * reach it through this interface alone, so that tests and the gallery put another one in its place.
 */

/** What a browser gives to be woken by. */
export interface PushAddress {
  endpoint: string;
  /** base64url, as the two below. */
  p256dh: string;
  auth: string;
  /** The server's key that it is bound to. */
  key: string;
}

/** What is shown while the app is open and out of sight. */
export interface Shown {
  title: string;
  body: string;
  room: string;
}

/** What the service worker tells the page. */
export type Told = { type: 'open'; room: string | null } | { type: 'subscription' };

/** What a browser has. On iPhones and iPads it comes with the app's place on the home screen. */
export type Support = 'all' | 'nothing' | 'after_install';

export interface WakingDoor {
  readonly support: Support;
  permission(): NotificationPermission;
  /** Only from a person's click. */
  ask(): Promise<NotificationPermission>;
  /** Hears when the permission changes, also in the browser's own settings. */
  watch(changed: () => void): () => void;
  address(): Promise<PushAddress | null>;
  subscribe(key: string): Promise<PushAddress>;
  unsubscribe(): Promise<void>;
  show(shown: Shown): Promise<void>;
  /** Takes away what was shown, of one room or of all. */
  clear(room: string | null): Promise<void>;
  hear(told: (message: Told) => void): () => void;
}

const TAG = 'conclave-wake';

export const waking: WakingDoor = {
  get support() {
    if (!('serviceWorker' in navigator) || !isSecureContext) return 'nothing';
    if ('PushManager' in globalThis && 'Notification' in globalThis) return 'all';
    const apple = /iPhone|iPad|iPod/.test(navigator.userAgent);
    return apple ? 'after_install' : 'nothing';
  },

  permission: () => ('Notification' in globalThis ? Notification.permission : 'denied'),

  ask: () => Notification.requestPermission(),

  watch(changed) {
    let status: PermissionStatus | null = null;
    let ended = false;
    // Firefox on Android knows no such question; then it is asked again when the page is looked at.
    void Promise.resolve(navigator.permissions?.query({ name: 'notifications' }))
      .then((found: PermissionStatus | undefined) => {
        if (ended || !found) return;
        status = found;
        status.addEventListener('change', changed);
      })
      .catch(() => undefined);
    const seen = () => {
      if (document.visibilityState === 'visible') changed();
    };
    document.addEventListener('visibilitychange', seen);
    return () => {
      ended = true;
      status?.removeEventListener('change', changed);
      document.removeEventListener('visibilitychange', seen);
    };
  },

  async address() {
    const registration = await found();
    const subscription = await registration?.pushManager.getSubscription();
    return subscription ? addressOf(subscription) : null;
  },

  async subscribe(key) {
    const { registerServiceWorker } = await import('../engine/worker-url');
    await registerServiceWorker();
    const { pushManager } = await navigator.serviceWorker.ready;
    const before = await pushManager.getSubscription();
    // A browser holds one, bound to one key. The server may have made a new key.
    if (before && addressOf(before).key !== key) await before.unsubscribe();
    return addressOf(
      await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) }),
    );
  },

  async unsubscribe() {
    const registration = await found();
    const subscription = await registration?.pushManager.getSubscription();
    await subscription?.unsubscribe();
  },

  async show({ title, body, room }) {
    const registration = await found();
    await registration?.showNotification(title, {
      body,
      tag: `conclave-room-${room}`,
      icon: '/icon.svg',
      data: { room },
    });
  },

  async clear(room) {
    const registration = await found();
    for (const shown of (await registration?.getNotifications()) ?? [])
      if (room === null || shown.tag === TAG || shown.tag === `conclave-room-${room}`) shown.close();
  },

  hear(told) {
    if (!('serviceWorker' in navigator)) return () => undefined;
    const hear = (event: MessageEvent<Told>) => told(event.data);
    navigator.serviceWorker.addEventListener('message', hear);
    return () => navigator.serviceWorker.removeEventListener('message', hear);
  },
};

async function found(): Promise<ServiceWorkerRegistration | undefined> {
  return 'serviceWorker' in navigator ? navigator.serviceWorker.getRegistration() : undefined;
}

function addressOf(subscription: PushSubscription): PushAddress {
  return {
    endpoint: subscription.endpoint,
    p256dh: textOf(subscription.getKey('p256dh')),
    auth: textOf(subscription.getKey('auth')),
    key: textOf(subscription.options.applicationServerKey),
  };
}

function textOf(bytes: ArrayBuffer | null): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0))));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const letters = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}
