import type { Core } from '../../engine/core';
import { Working } from '../../platform/working.svelte';
import type { LoginView } from '../../protocol/generated';
import { ask, type Proof } from '../sign-in';
import { admin } from './registration.svelte';

/** Where somebody else is signed in. Their devices' names are sealed and not known here. */
export class LoginsOf extends Working {
  rows = $state.raw<LoginView[] | null>(null);

  readonly #core: Core;
  readonly #proof: Proof;
  readonly #account: string;

  constructor(core: Core, proof: Proof, account: string) {
    super();
    this.#core = core;
    this.#proof = proof;
    this.#account = account;
  }

  refresh(): Promise<void> {
    return this.do(() => this.#look());
  }

  /** Ends some of them: they are signed out at once. */
  end(logins: readonly LoginView[]): Promise<void> {
    return this.do(async () => {
      for (const { login } of logins) {
        const what = admin({ type: 'end_login_of', account: this.#account, login });
        if ((await this.#proof.run(() => ask(this.#core, what, 'done'))) === null) break;
      }
      await this.#look();
    });
  }

  async #look(): Promise<void> {
    const what = admin({ type: 'list_logins_of', account: this.#account });
    this.rows = (await ask(this.#core, what, 'logins')).logins;
  }
}
