import type { Core } from '../../engine/core';
import { Working } from '../../platform/working.svelte';
import type { AccountListedView } from '../../protocol/generated';
import { ask, type Proof } from '../sign-in';
import { admin } from './registration.svelte';

/** The server's accounts, in pages, found by a part of their names. */
export class Accounts extends Working {
  search = $state('');
  rows = $state.raw<AccountListedView[] | null>(null);
  more = $state(false);

  readonly #core: Core;
  readonly #proof: Proof;

  constructor(core: Core, proof: Proof) {
    super();
    this.#core = core;
    this.#proof = proof;
  }

  refresh(): Promise<void> {
    return this.do(() => this.#look(null));
  }

  next(): Promise<void> {
    return this.do(() => this.#look(this.rows?.at(-1)?.account ?? null));
  }

  /** Keeps somebody out, or lets them in again. */
  suspend(account: string, on: boolean): Promise<void> {
    return this.do(async () => {
      const what = admin({ type: on ? 'suspend' : 'reactivate', account });
      const done = await this.#proof.run(() => ask(this.#core, what, 'done'));
      if (done === null) return;
      this.rows = (this.rows ?? []).map((row) => (row.account === account ? { ...row, suspended: on } : row));
    });
  }

  async #look(after: string | null): Promise<void> {
    const search = this.search.trim();
    const { page } = await ask(this.#core, admin({ type: 'list_accounts', search, after }), 'accounts');
    this.rows = after === null ? page.accounts : [...(this.rows ?? []), ...page.accounts];
    this.more = page.more;
  }
}

export function stateWords(row: AccountListedView): string {
  if (row.closed) return 'Ended';
  if (row.suspended) return 'Suspended';
  return row.administrator ? 'Administrator' : `${row.devices} ${row.devices === 1 ? 'device' : 'devices'}`;
}
