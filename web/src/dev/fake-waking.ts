import type { PushAddress, Shown, Support, Told, WakingDoor } from '../lib/platform/waking';

/** A browser that wakes people, without one. */
export class FakeWaking implements WakingDoor {
  support: Support = 'all';
  allowed: NotificationPermission = 'default';
  /** What the person answers when the browser asks. */
  answer: NotificationPermission = 'granted';
  /** The browser's push service cannot be reached. */
  broken = false;
  held: PushAddress | null = null;
  readonly shown: Shown[] = [];
  cleared = 0;
  #changed: () => void = () => undefined;
  #told: (message: Told) => void = () => undefined;

  permission = () => this.allowed;

  ask() {
    this.allowed = this.answer;
    return Promise.resolve(this.allowed);
  }

  watch(changed: () => void) {
    this.#changed = changed;
    return () => undefined;
  }

  /** The person changes the permission in the browser's own settings. */
  set(permission: NotificationPermission) {
    this.allowed = permission;
    this.#changed();
  }

  address() {
    return Promise.resolve(this.held);
  }

  subscribe(key: string) {
    if (this.broken)
      return Promise.reject(new DOMException('Registration failed - push service error', 'AbortError'));
    this.held = { endpoint: `https://push.example/${key}`, p256dh: 'BA', auth: 'AA', key };
    return Promise.resolve(this.held);
  }

  unsubscribe() {
    this.held = null;
    return Promise.resolve();
  }

  show(shown: Shown) {
    this.shown.push(shown);
    return Promise.resolve();
  }

  clear() {
    this.cleared += 1;
    return Promise.resolve();
  }

  hear(told: (message: Told) => void) {
    this.#told = told;
    return () => undefined;
  }

  /** The service worker tells the page something. */
  tell(message: Told) {
    this.#told(message);
  }
}
