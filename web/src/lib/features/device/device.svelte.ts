import type { Core, CoreEvent, ServerState, StorageKind } from '../../engine/core';
import { painted, preference } from '../../platform/browser';
import { suggestedName } from '../../platform/device-name';
import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { AccountView, ConnectionState, Failure } from '../../protocol/generated';

/** How far the start has come. */
export type Phase = { at: 'opening' } | { at: 'open' } | { at: 'failed'; failure: Failure };

/** What this device knows: whether its store is open, whose it is, how the connection stands. */
export class Device {
  phase = $state.raw<Phase>({ at: 'opening' });
  storage = $state.raw<StorageKind>('durable');
  account = $state.raw<AccountView | null>(null);
  connection = $state.raw<ConnectionState>('connecting');
  server = $state.raw<ServerState | null>(null);
  /** The server could not say who it is. */
  serverFailure = $state.raw<Failure | null>(null);
  /** What a person has to know, once each. */
  warnings = $state.raw<Failure[]>([]);
  /** Devices that others of the account added since this page opened. */
  added = $state.raw<{ name: string | null }[]>([]);
  /** Why this device is none of the account's any more. */
  removal = $state.raw<Failure | null>(null);
  /** This device's name as this page gave it; `null` when it was named before, or never. */
  name = $state<string | null>(null);

  readonly #open: () => Promise<Core>;
  readonly #accounts = new Refresher(() => this.#readAccount());
  readonly #hearers = new Set<(event: CoreEvent) => void>();
  #core: Core | null = null;
  #stop: () => void = () => undefined;
  #closed = false;

  constructor(open: () => Promise<Core>) {
    this.#open = open;
  }

  /** The engine. Screens exist only after it has opened. */
  get core(): Core {
    if (!this.#core) throw new Error('The engine is used before it was opened.');
    return this.#core;
  }

  get person() {
    return this.account && 'person' in this.account ? this.account.person : null;
  }

  /** At the last start somebody was signed in here: a guess for the skeleton, nothing else. */
  get wasSignedIn(): boolean {
    return preference.read('signed-in') !== null;
  }

  /** Opens the engine, after the first paint. */
  async start(): Promise<void> {
    this.phase = { at: 'opening' };
    try {
      await painted();
      const core = await this.#open();
      const { storage } = await core.ready();
      if (this.#closed) return;
      this.#core = core;
      this.storage = storage;
      this.#stop();
      this.#stop = core.listen((event) => this.#hear(event));
      await this.#accounts.ask();
      this.connection = await core.connection();
      this.phase = { at: 'open' };
    } catch (thrown) {
      this.phase = { at: 'failed', failure: failureOf(thrown) };
      return;
    }
    void this.readServer();
  }

  stop(): void {
    this.#closed = true;
    this.#stop();
  }

  /** Hears the engine's events until the returned function is called. */
  listen(hear: (event: CoreEvent) => void): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  async readServer(): Promise<void> {
    try {
      this.server = await this.core.server();
      this.serverFailure = null;
    } catch (thrown) {
      this.serverFailure = failureOf(thrown);
    }
  }

  refreshAccount(): Promise<void> {
    return this.#quietly(this.#accounts.ask());
  }

  /** Names this device after its browser, before it gets an account. */
  async nameByDefault(): Promise<void> {
    if (this.account?.type !== 'none') return;
    try {
      await this.rename(this.name ?? suggestedName());
    } catch {
      // A device without a name is as good as any; its owner may name it later.
    }
  }

  async rename(name: string): Promise<void> {
    await this.core.renameDevice(null, name);
    this.name = name;
  }

  dismissAdded(device: { name: string | null }): void {
    this.added = this.added.filter((other) => other !== device);
  }

  /** The removal was read; what comes next is up to the person. */
  dismissRemoval(): void {
    this.removal = null;
  }

  dismissWarning(warning: Failure): void {
    this.warnings = this.warnings.filter((other) => other !== warning);
  }

  async #readAccount(): Promise<void> {
    this.account = await this.core.account();
    if (this.account.type === 'signed_in') this.removal = null;
    else this.added = [];
    preference.write('signed-in', this.account.type === 'signed_in' ? 'yes' : null);
  }

  #hear(event: CoreEvent): void {
    if (event.type === 'account' || event.type === 'owner') void this.#quietly(this.#accounts.ask());
    if (event.type === 'owner') void this.#quietly(this.#readConnection());
    if (event.type === 'connection') {
      this.connection = event.state;
      if (event.state === 'online' && this.serverFailure) void this.readServer();
    }
    if (event.type === 'device_added') this.added = [...this.added, { name: event.name }];
    if (event.type === 'warning') this.#warn(event.failure);
    for (const hear of this.#hearers) hear(event);
  }

  async #readConnection(): Promise<void> {
    this.connection = await this.core.connection();
  }

  #warn(failure: Failure): void {
    if (failure.code === 'device_removed' || failure.code === 'device_revoked_unproven') {
      this.removal = failure;
      this.added = [];
      this.name = null;
      return;
    }
    if (!this.warnings.some((other) => other.code === failure.code && other.message === failure.message))
      this.warnings = [...this.warnings, failure];
  }

  /** A question asked on an event fails only when the engine is gone, and then its return asks again. */
  async #quietly(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      this.#warn(failureOf(thrown));
    }
  }
}
