import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';
import type { Device } from '../device';

/** This device while it is none of an account's yet: the ways to become one, and out of it. */
export class Joining {
  working = $state(false);
  /** One way is given up for another: in between there is neither, and nothing else shall be shown. */
  changing = $state(false);
  failure = $state.raw<Failure | null>(null);

  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Shows a code for another device to scan; whatever this device waited for before is given up. */
  async showCode(): Promise<boolean> {
    return this.#work(async () => {
      const waits = this.#device.account?.type === 'joining';
      this.changing = waits;
      if (waits) await this.#device.core.cancelJoining();
      else await this.#device.nameByDefault();
      await this.#device.core.showLinkCode();
    });
  }

  async cancel(): Promise<boolean> {
    return this.#work(() => this.#device.core.cancelJoining());
  }

  async #work(work: () => Promise<void>): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.failure = null;
    try {
      await work();
      return true;
    } catch (thrown) {
      this.failure = failureOf(thrown);
      return false;
    } finally {
      await this.#device.refreshAccount();
      this.working = false;
      this.changing = false;
    }
  }
}
