import { normalizeUsername } from '../../format/username';
import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';
import type { Device } from '../device';

/** Signing in. Where this is none of the account's devices yet, waiting for approval comes next. */
export class SignIn {
  name = $state('');
  password = $state('');
  working = $state(false);
  failure = $state.raw<Failure | null>(null);

  readonly #device: Device;

  constructor(device: Device, name: string) {
    this.#device = device;
    this.name = name;
  }

  get complete(): boolean {
    return normalizeUsername(this.name) !== '' && this.password !== '';
  }

  async submit(): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.failure = null;
    try {
      await this.#device.nameByDefault();
      await this.#device.core.signIn(normalizeUsername(this.name), this.password);
      this.password = '';
      return true;
    } catch (thrown) {
      this.failure = failureOf(thrown);
      return false;
    } finally {
      this.working = false;
    }
  }
}
