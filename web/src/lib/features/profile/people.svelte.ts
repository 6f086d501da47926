import type { CoreEvent, Judgment } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { Failure, ProfileView, TrustView } from '../../protocol/generated';
import type { Device } from '../device';

/** How people's identities stand, as the engine last told it; whoever is not among them is believed at first sight. */
export class People {
  rows = $state.raw<TrustView[]>([]);

  readonly #device: Device;
  readonly #query = new Refresher(() => this.#read());

  constructor(device: Device) {
    this.#device = device;
  }

  /** Begins to follow the engine; the returned function ends it. */
  start(): () => void {
    void this.#query.ask();
    return this.#device.listen((event) => {
      if (concerns(event)) void this.#query.ask();
    });
  }

  find(account: string): TrustView | null {
    return this.rows.find((row) => row.account === account) ?? null;
  }

  async #read(): Promise<void> {
    try {
      this.rows = await this.#device.core.listTrust();
    } catch {
      // What was known stays; the engine says by itself that its store fails.
    }
  }
}

/** Somebody's profile while it is open. */
export class OpenProfile {
  profile = $state.raw<ProfileView | null>(null);
  /** It could not be read. */
  failure = $state.raw<Failure | null>(null);
  /** What was just asked for did not happen. */
  refusal = $state.raw<Failure | null>(null);
  working = $state(false);

  readonly #device: Device;
  readonly #account: string;
  readonly #query = new Refresher(() => this.#read());

  constructor(device: Device, account: string) {
    this.#device = device;
    this.#account = account;
  }

  start(): () => void {
    void this.refresh();
    return this.#device.listen((event) => {
      if (concerns(event) || event.type === 'devices') void this.refresh();
    });
  }

  refresh(): Promise<void> {
    return this.#query.ask();
  }

  /** Compares what the other person shows; `true` when it fits and they are marked. */
  compare(typed: string): Promise<boolean> {
    return this.#do(() => this.#device.core.compareSafetyCode(this.#account, typed));
  }

  judge(judgment: Judgment): Promise<boolean> {
    return this.#do(() => this.#device.core.judge(this.#account, judgment));
  }

  async #do(work: () => Promise<void>): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.refusal = null;
    try {
      await work();
      await this.refresh();
      return true;
    } catch (thrown) {
      this.refusal = failureOf(thrown);
      return false;
    } finally {
      this.working = false;
    }
  }

  async #read(): Promise<void> {
    try {
      this.profile = await this.#device.core.profile(this.#account);
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }
}

function concerns(event: CoreEvent): boolean {
  return event.type === 'people' || event.type === 'owner' || event.type === 'account';
}
