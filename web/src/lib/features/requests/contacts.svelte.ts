import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { ContactView, Failure, PersonChange } from '../../protocol/generated';
import type { Device } from '../device';

/** Whom the person blocked or gave a name, as the engine last told it. */
export class Contacts {
  /** `null` until the first answer. */
  rows = $state.raw<ContactView[] | null>(null);
  /** They could not be read. */
  failure = $state.raw<Failure | null>(null);
  readonly blocked = $derived((this.rows ?? []).filter((row) => row.blocked));
  readonly #names = $derived(
    new Map((this.rows ?? []).flatMap((row) => (row.nickname === null ? [] : [[row.account, row.nickname]]))),
  );

  readonly #device: Device;
  readonly #query = new Refresher(() => this.#read());

  constructor(device: Device) {
    this.#device = device;
  }

  /** Begins to follow the engine; the returned function ends it. */
  start(): () => void {
    void this.refresh();
    return this.#device.listen((event) => {
      if (event.type === 'people' || event.type === 'owner' || event.type === 'account') void this.refresh();
    });
  }

  refresh(): Promise<void> {
    return this.#query.ask();
  }

  isBlocked(account: string): boolean {
    return this.blocked.some((row) => row.account === account);
  }

  /** What the person calls somebody; `null` for no name of their own. */
  nicknameOf(account: string): string | null {
    return this.#names.get(account) ?? null;
  }

  async #read(): Promise<void> {
    try {
      this.rows = await this.#device.core.listContacts();
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }
}

/** One thing that is done about somebody at a time, with what came of it. */
export class Deciding {
  /** What is under way. */
  working = $state<string | null>(null);
  failure = $state.raw<Failure | null>(null);

  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  /** `true` when it came about. */
  set(what: string, account: string, change: PersonChange): Promise<boolean> {
    return this.#do(what, () => this.#device.core.setPerson(account, change));
  }

  deleteRequest(room: string): Promise<boolean> {
    return this.#do('delete', () => this.#device.core.deleteRequest(room));
  }

  async #do(what: string, goal: () => Promise<void>): Promise<boolean> {
    if (this.working !== null) return false;
    this.working = what;
    this.failure = null;
    try {
      await goal();
      return true;
    } catch (thrown) {
      this.failure = failureOf(thrown);
      return false;
    } finally {
      this.working = null;
    }
  }
}
