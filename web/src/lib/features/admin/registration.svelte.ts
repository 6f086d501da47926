import type { Core } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import { Working } from '../../platform/working.svelte';
import type { AdminIntent, RegistrationInviteView } from '../../protocol/generated';
import { ask, type Proof } from '../sign-in';

export type Who = 'open' | 'invite' | 'closed';

/** Who may register, and the invites. */
export class Registration extends Working {
  who = $state.raw<Who | null>(null);
  invites = $state.raw<RegistrationInviteView[] | null>(null);
  /** The secret of the invite that was just made; it is shown once. */
  made = $state.raw<{ token: string; expires: number } | null>(null);

  readonly #core: Core;
  readonly #proof: Proof;

  constructor(core: Core, proof: Proof) {
    super();
    this.#core = core;
    this.#proof = proof;
  }

  async refresh(): Promise<void> {
    try {
      await this.#look();
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }

  set(who: Who): Promise<void> {
    return this.do(async () => {
      await this.#proof.run(() =>
        ask(this.#core, admin({ type: 'set_registration', registration: who }), 'done'),
      );
      await this.#look();
    });
  }

  make(uses: number, days: number): Promise<void> {
    return this.do(async () => {
      const made = await ask(this.#core, admin({ type: 'make_invite', uses, days }), 'invite');
      this.made = { token: made.token, expires: made.expires };
      await this.#look();
    });
  }

  revoke(invite: string): Promise<void> {
    return this.do(async () => {
      await ask(this.#core, admin({ type: 'revoke_invite', invite }), 'done');
      await this.#look();
    });
  }

  async #look(): Promise<void> {
    const found = await ask(this.#core, admin({ type: 'find_registration' }), 'registration');
    this.who = found.registration as Who;
    this.invites = (await ask(this.#core, admin({ type: 'list_invites' }), 'invites')).invites;
  }
}

export function admin(what: AdminIntent): { type: 'admin'; what: AdminIntent } {
  return { type: 'admin', what };
}
