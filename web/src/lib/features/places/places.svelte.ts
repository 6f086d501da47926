import type { CoreEvent } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { Failure, PlaceView } from '../../protocol/generated';
import type { Device } from '../device';

/** The groups and communities of this account, as the engine last told them. */
export class Places {
  /** `null` until the first answer. */
  rows = $state.raw<PlaceView[] | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** Those that stand in the rail: one is in, waits for, or was in and can still read. */
  readonly communities = $derived(
    (this.rows ?? []).filter((place) => place.kind === 'community' && isListed(place)),
  );

  readonly #device: Device;
  readonly #query = new Refresher(() => this.#read());

  constructor(device: Device) {
    this.#device = device;
  }

  start(): () => void {
    void this.refresh();
    return this.#device.listen((event) => this.#hear(event));
  }

  refresh(): Promise<void> {
    return this.#query.ask();
  }

  find(place: string): PlaceView | null {
    return this.rows?.find((one) => one.place === place) ?? null;
  }

  #hear(event: CoreEvent): void {
    const concerns = ['places', 'people', 'chats', 'owner', 'account'].includes(event.type);
    if (concerns) void this.refresh();
  }

  async #read(): Promise<void> {
    try {
      this.rows = await this.#device.core.listPlaces();
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }
}

function isListed({ state }: PlaceView): boolean {
  return state.type !== 'left' && state.type !== 'declined' && state.type !== 'closed';
}
