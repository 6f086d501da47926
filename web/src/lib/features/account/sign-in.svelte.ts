import type { Core } from '../../engine/core';
import { normalizeUsername } from '../../format/username';
import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';

/** Signing in on a device that belongs to the account already. */
export class SignIn {
  name = $state('');
  password = $state('');
  working = $state(false);
  failure = $state.raw<Failure | null>(null);

  readonly #core: Core;

  constructor(core: Core, name: string) {
    this.#core = core;
    this.name = name;
  }

  /** Name and password are right, but the keys are on other devices. */
  get elsewhere(): boolean {
    return this.failure?.code === 'other_device';
  }

  get complete(): boolean {
    return normalizeUsername(this.name) !== '' && this.password !== '';
  }

  async submit(): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.failure = null;
    try {
      await this.#core.signIn(normalizeUsername(this.name), this.password);
      this.password = '';
      return true;
    } catch (thrown) {
      this.failure = failureOf(thrown);
      return false;
    } finally {
      this.working = false;
    }
  }

  startOver(): void {
    this.failure = null;
    this.password = '';
  }
}
