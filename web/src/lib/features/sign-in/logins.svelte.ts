import { spokenTime } from '../../format/time';
import type { Core } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import type { Failure, LoginView } from '../../protocol/generated';
import { ask } from './asks';

/** Where the account is signed in. */
export class Logins {
  rows = $state.raw<LoginView[] | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** The login that is being ended; `others` for all but this one. */
  ending = $state<string | null>(null);

  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async refresh(): Promise<void> {
    try {
      this.rows = (await ask(this.#core, { type: 'list_logins' }, 'logins')).logins;
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }

  end(login: string): Promise<void> {
    return this.#end(login, () => ask(this.#core, { type: 'end_login', login }, 'done'));
  }

  endOthers(): Promise<void> {
    return this.#end('others', () => ask(this.#core, { type: 'end_other_logins' }, 'ended'));
  }

  async #end(what: string, work: () => Promise<unknown>): Promise<void> {
    if (this.ending !== null) return;
    this.ending = what;
    try {
      await work();
      await this.refresh();
    } catch (thrown) {
      this.failure = failureOf(thrown);
    } finally {
      this.ending = null;
    }
  }
}

export function loginName(login: LoginView): string {
  return login.name ?? `Device ${login.device + 1}`;
}

export function loginWords(login: LoginView, now: number): string {
  if (login.current) return 'This login';
  if (login.connected) return 'Connected now';
  return `Last refreshed ${spokenTime(login.refreshed_at, now)}`;
}
