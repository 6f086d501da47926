import type { Core } from '../../engine/core';
import { Working } from '../../platform/working.svelte';
import type { SecondStepView } from '../../protocol/generated';
import { ask } from './asks';
import type { Proof } from './proof.svelte';

/** The second step of sign-in, and a change of it. */
export class SecondStep extends Working {
  view = $state.raw<SecondStepView | null>(null);
  /** What the authenticator app is given, while it is set up. */
  begun = $state.raw<{ secret: string; link: string } | null>(null);
  /** Backup codes, until the person has kept them. */
  codes = $state.raw<string[] | null>(null);
  code = $state('');

  readonly #core: Core;
  readonly #proof: Proof;

  constructor(core: Core, proof: Proof) {
    super();
    this.#core = core;
    this.#proof = proof;
  }

  refresh(): Promise<void> {
    return this.do(() => this.#look());
  }

  async begin(): Promise<void> {
    let begun: { secret: string; link: string } | null = null;
    await this.do(async () => {
      begun = await this.#proof.run(() =>
        ask(this.#core, { type: 'begin_second_step' }, 'second_step_begun'),
      );
    });
    // Shown once nothing is under way, so that its field takes the code at once.
    if (begun !== null) this.begun = begun;
  }

  confirm(): Promise<void> {
    return this.do(async () => {
      const code = this.code.trim();
      const made = await this.#proof.run(() =>
        ask(this.#core, { type: 'confirm_second_step', code }, 'backup_codes'),
      );
      if (made === null) return;
      this.begun = null;
      this.code = '';
      this.codes = made.codes;
      await this.#look();
    });
  }

  renew(): Promise<void> {
    return this.do(async () => {
      const made = await this.#proof.run(() =>
        ask(this.#core, { type: 'renew_backup_codes' }, 'backup_codes'),
      );
      if (made === null) return;
      this.codes = made.codes;
      await this.#look();
    });
  }

  end(): Promise<void> {
    return this.do(async () => {
      await this.#proof.run(() => ask(this.#core, { type: 'end_second_step' }, 'done'));
      await this.#look();
    });
  }

  /** What was shown leaves the memory of the page. */
  forget(): void {
    this.begun = this.codes = null;
    this.code = '';
    this.failure = null;
  }

  async #look(): Promise<void> {
    this.view = (await ask(this.#core, { type: 'find_second_step' }, 'second_step')).second_step;
  }
}
