import { failureOf } from '../../platform/failure';
import type { Failure, HistoryWaysView } from '../../protocol/generated';
import type { Device } from '../device';
import { strengthOf } from './strength';

/** Where a failure is shown: at the field that can cure it. */
const FIELDS: Record<string, 'words' | 'password'> = {
  words_invalid: 'words',
  recovery_refused: 'words',
  recovery_key_wanted: 'words',
  wrong_credentials: 'password',
  password_short: 'password',
  password_common: 'password',
  password_long: 'password',
};

/** What opens the history, and a change of it. */
export class HistoryWays {
  view = $state.raw<HistoryWaysView | null>(null);
  /** Why it is not known. */
  failure = $state.raw<Failure | null>(null);

  password = $state('');
  words = $state('');
  working = $state(false);
  /** What the estimator said of which password. */
  #advice = $state.raw<{ password: string; text: string } | null>(null);
  #refused = $state.raw<{ failure: Failure; password: string; words: string } | null>(null);

  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  get passwordProblem(): string | null {
    const advice = this.#advice;
    if (advice !== null && advice.text !== '' && advice.password === this.password) return advice.text;
    return this.#told('password', this.password);
  }

  get wordsProblem(): string | null {
    return this.#told('words', this.words);
  }

  /** What concerns no single field. */
  get problem(): string | null {
    const refused = this.#refused;
    return refused && FIELDS[refused.failure.code] === undefined ? refused.failure.message : null;
  }

  async refresh(): Promise<void> {
    try {
      this.view = await this.#device.core.historyWays();
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }

  /** Lets the password open the history; `true` when it is on its way. */
  switchOn(): Promise<boolean> {
    return this.#change(async () => {
      const { password } = this;
      const strength = await strengthOf(password, this.#device.person?.username ?? '');
      this.#advice = { password, text: strength.advice };
      if (!strength.strong) return false;
      await this.#device.core.setHistoryPassword(password, this.#typedWords());
      return true;
    });
  }

  /** The password opens nothing any more; `true` when it is on its way. */
  switchOff(): Promise<boolean> {
    return this.#change(async () => {
      await this.#device.core.setHistoryPassword(null, this.#typedWords());
      return true;
    });
  }

  /** What was typed leaves the memory of the page. */
  forget(): void {
    this.password = this.words = '';
    this.#advice = this.#refused = null;
  }

  async #change(change: () => Promise<boolean>): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.#refused = null;
    try {
      const done = await change();
      if (done) {
        this.forget();
        await this.refresh();
      }
      return done;
    } catch (thrown) {
      this.#refused = { failure: failureOf(thrown), password: this.password, words: this.words };
      return false;
    } finally {
      this.working = false;
    }
  }

  #typedWords(): string | null {
    return this.view?.asks_for_words ? this.words : null;
  }

  /** A refusal stands at its field until that field changes. */
  #told(field: 'words' | 'password', now: string): string | null {
    const refused = this.#refused;
    return refused && FIELDS[refused.failure.code] === field && refused[field] === now
      ? refused.failure.message
      : null;
  }
}
