import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';
import type { Device } from '../device';
import { isStrong } from '../history';
import { ask } from './asks';
import type { Proof } from './proof.svelte';

/** A new password in the place of the old one. */
export class PasswordChange {
  password = $state('');
  words = $state('');
  endOthers = $state(true);
  /** The recovery key is needed, and this device does not have it. */
  needsWords = $state(false);
  working = $state(false);
  failure = $state.raw<Failure | null>(null);

  readonly #device: Device;
  readonly #proof: Proof;

  constructor(device: Device, proof: Proof) {
    this.#device = device;
    this.#proof = proof;
  }

  /** `true` when the password is replaced. */
  async submit(): Promise<boolean> {
    if (this.working || this.password === '') return false;
    this.working = true;
    this.failure = null;
    try {
      const { password } = this;
      const strong = await isStrong(password, this.#device.person?.username ?? '');
      const words = this.needsWords ? this.words : null;
      const change = {
        type: 'change_password',
        password,
        strong,
        words,
        end_others: this.endOthers,
      } as const;
      const done = await this.#proof.run(() => ask(this.#device.core, change, 'ended'));
      if (done !== null) this.forget();
      return done !== null;
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure.code === 'recovery_key_wanted' && !this.needsWords) this.needsWords = true;
      else this.failure = failure;
      return false;
    } finally {
      this.working = false;
    }
  }

  /** What was typed leaves the memory of the page. */
  forget(): void {
    this.password = this.words = '';
    this.needsWords = false;
    this.failure = null;
  }
}
