import type { Core } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';

/** The password shown once more, for what asks for a fresh sign-in. */
export class Proof {
  password = $state('');
  code = $state('');
  /** The account has a second step, and the password was right. */
  needsCode = $state(false);
  working = $state(false);
  failure = $state.raw<Failure | null>(null);
  #waiting = $state.raw<((proved: boolean) => void) | null>(null);

  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  get open(): boolean {
    return this.#waiting !== null;
  }

  /** Does it; where it asks for the password, that is asked for, and it is done again. `null` when given up. */
  async run<Value>(act: () => Promise<Value>): Promise<Value | null> {
    try {
      return await act();
    } catch (thrown) {
      if (failureOf(thrown).code !== 'fresh_sign_in_needed') throw thrown;
    }
    return (await this.ask()) ? await act() : null;
  }

  /** Opens the dialog; `true` once the password was right. */
  ask(): Promise<boolean> {
    this.#end(false);
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  async submit(): Promise<void> {
    if (this.working || this.password === '' || (this.needsCode && this.code.trim() === '')) return;
    this.working = true;
    this.failure = null;
    try {
      const code = this.needsCode ? this.code.trim() : null;
      await this.#core.askAccount({ type: 'prove', password: this.password, code });
      this.#end(true);
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure.code === 'second_step_needed') this.needsCode = true;
      else this.failure = failure;
    } finally {
      this.working = false;
    }
  }

  cancel(): void {
    this.#end(false);
  }

  #end(proved: boolean): void {
    this.password = this.code = '';
    this.needsCode = false;
    this.failure = null;
    this.#waiting?.(proved);
    this.#waiting = null;
  }
}
