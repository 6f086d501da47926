import { attended, preference } from '../../platform/browser';
import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { WakingDoor } from '../../platform/waking';
import type { ChatView, Failure, PushView } from '../../protocol/generated';
import type { Device } from '../device';
import { isTold, quietOf, shownOf } from './told';

/** How it stands with being told of messages while the app is out of sight or closed. */
export type Standing =
  | 'loading'
  /** The browser has nothing for it. */
  | 'unsupported'
  /** It has it once the app stands on the home screen. */
  | 'after_install'
  /** The person refused it in the browser. */
  | 'denied'
  | 'off'
  /** While the app is open; the server wakes nobody. */
  | 'open_only'
  | 'on'
  /** It is wanted, and it could not be found out or put into force. */
  | 'failed';

/** Chats are set one after the other; the server hears of the last. */
const SAID_AFTER = 2_000;
/** What was chosen is kept in this browser, for each account: permission belongs to the browser, too. */
const wantedKey = (account: string) => `notifications.${account}`;
const NAMES = 'notifications.names';

/** What this device does to tell of messages: what the browser allows, what the server was told, what was chosen. */
export class Notifications {
  standing = $state<Standing>('loading');
  /** What was just chosen and is not in force yet: shown at once, and taken back where it does not come about. */
  #choosing = $state<boolean | null>(null);
  readonly working = $derived(this.#choosing !== null);
  /** As the switch stands. */
  readonly chosen = $derived(
    this.#choosing ?? (this.standing === 'on' || this.standing === 'open_only' || this.standing === 'failed'),
  );
  failure = $state.raw<Failure | null>(null);
  /** Names and words are shown while the app is open and out of sight. */
  names = $state(preference.read(NAMES) !== 'no');

  readonly #device: Device;
  readonly #door: WakingDoor;
  readonly #account: string;
  readonly #open: (room: string | null) => void;
  readonly #states = new Refresher(() => this.#find());
  #chats: readonly ChatView[] = [];
  #undisturbed = false;
  #said: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(device: Device, door: WakingDoor, account: string, open: (room: string | null) => void) {
    this.#device = device;
    this.#door = door;
    this.#account = account;
    this.#open = open;
  }

  /** Begins to follow the engine, the browser's permission and the service worker; the returned function ends it. */
  start(): () => void {
    const seen = () => {
      if (attended()) this.#quietly(this.#door.clear(null));
    };
    document.addEventListener('visibilitychange', seen);
    window.addEventListener('focus', seen);
    seen();
    void this.refresh();
    const ends = [
      this.#device.listen((event) => {
        if (event.type === 'arrived') void this.#tell(event.room, event.message);
        if (event.type === 'people') this.#say();
        // What could not be found out may be by now.
        if (event.type === 'connection' && event.state === 'online' && this.standing === 'failed')
          void this.refresh();
      }),
      this.#door.watch(() => void this.refresh()),
      this.#door.hear((told) => {
        if (told.type === 'open') this.#open(told.room);
        else void this.refresh();
      }),
      () => document.removeEventListener('visibilitychange', seen),
      () => window.removeEventListener('focus', seen),
      () => clearTimeout(this.#timer),
      () => (this.#ended = true),
    ];
    return () => ends.forEach((end) => end());
  }

  refresh(): Promise<void> {
    return this.#states.ask();
  }

  /** The chats as they are set now, and whether the person wants no sound of any. */
  follow(chats: readonly ChatView[], undisturbed = false): void {
    this.#chats = chats;
    this.#undisturbed = undisturbed;
    this.#say();
  }

  /** Asks the browser and tells the server; only from a person's click. */
  async turnOn(): Promise<void> {
    await this.#change(true, async () => {
      const permission = await this.#door.ask();
      if (permission !== 'granted') {
        // Closed without an answer, it may be asked again.
        this.standing = permission === 'denied' ? 'denied' : 'off';
        return;
      }
      preference.write(wantedKey(this.#account), 'on');
      await this.#find();
    });
  }

  async turnOff(): Promise<void> {
    await this.#change(false, async () => {
      preference.write(wantedKey(this.#account), null);
      // First here: without an address nobody wakes the device, whatever the server knows.
      await this.#door.unsubscribe();
      this.standing = 'off';
      this.#said = null;
      await this.#device.core.askAccount({ type: 'unsubscribe' });
    });
  }

  showNames(names: boolean): void {
    this.names = names;
    preference.write(NAMES, names ? null : 'no');
  }

  get #wanted(): boolean {
    return preference.read(wantedKey(this.#account)) === 'on';
  }

  async #change(to: boolean, change: () => Promise<void>): Promise<void> {
    if (this.working) return;
    this.#choosing = to;
    this.failure = null;
    try {
      await change();
    } catch (thrown) {
      this.failure = failureOf(thrown);
    } finally {
      this.#choosing = null;
    }
  }

  /** Finds out how it stands, and puts into force what is wanted. */
  async #find(): Promise<void> {
    const door = this.#door;
    if (door.support !== 'all') {
      this.standing = door.support === 'nothing' ? 'unsupported' : 'after_install';
      return;
    }
    const permission = door.permission();
    if (permission === 'denied') {
      this.standing = 'denied';
      return;
    }
    if (permission !== 'granted' || !this.#wanted) {
      this.standing = 'off';
      return;
    }
    try {
      const push = await this.#push();
      if (this.#ended) return;
      if (push.key === null) {
        // It still tells while it is open, for which the browser wants a service worker.
        this.standing = 'open_only';
        return;
      }
      const before = await door.address();
      if (before?.key !== push.key || !push.subscribed || this.#said === null)
        await this.#subscribe(push.key);
      this.standing = 'on';
      this.failure = null;
    } catch (thrown) {
      if (this.#ended) return;
      this.failure = thrown instanceof DOMException ? BROWSER : failureOf(thrown);
      this.standing = 'failed';
    }
  }

  async #push(): Promise<PushView> {
    const answer = await this.#device.core.askAccount({ type: 'find_push' });
    return answer.type === 'push' ? answer.push : { key: null, subscribed: false };
  }

  async #subscribe(key: string): Promise<void> {
    const { endpoint, p256dh, auth } = await this.#door.subscribe(key);
    const quiet = await this.#quiet();
    await this.#device.core.askAccount({ type: 'subscribe', endpoint, p256dh, auth });
    this.#said = quiet;
  }

  /** Says again which chats do not wake the device, when that changed. */
  #say(): void {
    clearTimeout(this.#timer);
    if (this.standing !== 'on') return;
    this.#timer = setTimeout(() => this.#quietly(this.#sayNow()), SAID_AFTER);
  }

  async #sayNow(): Promise<void> {
    if (this.standing !== 'on' || (await this.#quiet()) === this.#said) return;
    const address = await this.#door.address();
    if (address) await this.#subscribe(address.key);
  }

  async #quiet(): Promise<string> {
    const contacts = await this.#device.core.listContacts();
    const blocked = contacts.filter((contact) => contact.blocked).map((contact) => contact.account);
    return quietOf(this.#chats, blocked);
  }

  /** The app is open and out of sight: it knows what was written, and so whether to tell of it. */
  async #tell(room: string, id: string): Promise<void> {
    const tells = this.standing === 'on' || this.standing === 'open_only' || this.standing === 'failed';
    if (!tells || !this.#wanted || this.#undisturbed || attended() || this.#door.permission() !== 'granted')
      return;
    try {
      const chats = await this.#device.core.listChats();
      const chat = chats.find((row) => row.room === room);
      const messages = await this.#device.core.listMessagesAround(room, id, 0);
      const message = messages.find((found) => found.id === id);
      if (!chat || !message || !isTold(chat, message)) return;
      const [author] = await this.#device.core.listPeople([message.author]);
      await this.#door.show(shownOf(chat, message, author?.username ?? 'Somebody', this.names));
    } catch {
      // The unread count tells of it, too.
    }
  }

  #quietly(doing: Promise<unknown>): void {
    doing.catch(() => undefined);
  }
}

/** A browser whose push service cannot be reached, or that was built without one. */
const BROWSER: Failure = {
  code: 'push_service',
  message:
    'Your browser could not reach its notification service. Check that you are online and that nothing blocks it, then try again.',
  retry_after: null,
};
