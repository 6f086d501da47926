import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { DeviceView, Failure } from '../../protocol/generated';
import type { Device } from '../device';

/** What a person types to remove a device: it cannot be undone. */
export const REMOVE_WORD = 'remove';

/** The own account's devices, as the engine lists them. */
export class DeviceList {
  rows = $state.raw<DeviceView[] | null>(null);
  /** They could not be read; what was read before stays. */
  failure = $state.raw<Failure | null>(null);

  readonly #device: Device;
  readonly #refresher = new Refresher(async () => {
    this.rows = await this.#device.core.listDevices();
    this.failure = null;
  });

  constructor(device: Device) {
    this.#device = device;
  }

  /** Follows the engine until the returned function is called. */
  start(): () => void {
    void this.refresh();
    return this.#device.listen((event) => {
      if (event.type === 'devices' || event.type === 'device_added' || event.type === 'owner')
        void this.refresh();
      // What could not be read while the server was away is read when it is back.
      if (event.type === 'connection' && event.state === 'online' && this.failure) void this.refresh();
    });
  }

  async refresh(): Promise<void> {
    try {
      await this.#refresher.ask();
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }

  /** Returns what is wrong with the name, or `null` when it stands. */
  async rename(device: DeviceView, name: string): Promise<Failure | null> {
    return this.#try(() => this.#device.core.renameDevice(device.this ? null : device.device, name.trim()));
  }

  /** Returns why it is still there, or `null` when it is removed. */
  async remove(device: DeviceView): Promise<Failure | null> {
    const failure = await this.#try(() => this.#device.core.revokeDevice(device.device));
    if (device.this) await this.#device.refreshAccount();
    return failure;
  }

  async #try(work: () => Promise<void>): Promise<Failure | null> {
    try {
      await work();
    } catch (thrown) {
      return failureOf(thrown);
    }
    await this.refresh();
    return null;
  }
}

export function nameOf(device: DeviceView): string {
  return device.name ?? `Device ${device.device + 1}, not named yet`;
}
