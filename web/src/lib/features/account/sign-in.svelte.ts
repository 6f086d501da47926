import { normalizeUsername } from '../../format/username';
import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';
import type { Device } from '../device';

/** Signing in. Where this is none of the account's devices yet, waiting for approval comes next. */
export class SignIn {
  name = $state('');
  password = $state('');
  code = $state('');
  /** The password was right, and the account has a second step. */
  needsCode = $state(false);
  working = $state(false);
  failure = $state.raw<Failure | null>(null);

  readonly #device: Device;

  constructor(device: Device, name: string) {
    this.#device = device;
    this.name = name;
  }

  get complete(): boolean {
    const filled = normalizeUsername(this.name) !== '' && this.password !== '';
    return filled && (!this.needsCode || this.code.trim() !== '');
  }

  async submit(): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.failure = null;
    try {
      await this.#device.nameByDefault();
      const code = this.needsCode ? this.code.trim() : undefined;
      await this.#device.core.signIn(normalizeUsername(this.name), this.password, code);
      this.password = this.code = '';
      return true;
    } catch (thrown) {
      const failure = failureOf(thrown);
      // A code that was refused is worth nothing any more.
      this.code = '';
      if (failure.code === 'second_step_needed') this.needsCode = true;
      else this.failure = failure;
      return false;
    } finally {
      this.working = false;
    }
  }
}
