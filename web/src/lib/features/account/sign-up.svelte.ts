import { failureOf } from '../../platform/failure';
import { normalizeUsername, usernameFits, usernameProblem } from '../../format/username';
import type { Failure } from '../../protocol/generated';
import type { Device } from '../device';
import { PASSWORD_MIN, passwordHint } from './password';

/** Where a failure of signing up is shown: at the field that can cure it. */
const FIELDS: Record<string, 'name' | 'password'> = {
  username_taken: 'name',
  username_invalid: 'name',
  password_short: 'password',
  password_common: 'password',
  password_long: 'password',
};

/** The one form with which somebody makes an account. */
export class SignUp {
  name = $state('');
  password = $state('');
  working = $state(false);
  /** The name field was left once: only then is an unfinished name a mistake. */
  nameLeft = $state(false);
  #failure = $state.raw<{ failure: Failure; name: string; password: string } | null>(null);

  nameProblem = $derived.by(() => {
    const told = this.#told('name');
    if (told) return told;
    const problem = usernameProblem(this.name);
    // "One more character" is no mistake while somebody types.
    return !this.nameLeft && normalizeUsername(this.name).length < 2 && /^@?[a-z]?$/i.test(this.name.trim())
      ? null
      : problem;
  });
  passwordProblem = $derived(this.#told('password'));
  hint = $derived(passwordHint(this.password, this.name));

  readonly #device: Device;
  readonly #invite: string;

  constructor(device: Device, invite: string) {
    this.#device = device;
    this.#invite = invite;
  }

  /** What concerns neither field. */
  get failure(): Failure | null {
    const failure = this.#failure?.failure ?? null;
    return failure && !FIELDS[failure.code] ? failure : null;
  }

  get complete(): boolean {
    return usernameFits(this.name) && Array.from(this.password).length >= PASSWORD_MIN;
  }

  /** Makes the account; `true` when it stands. */
  async submit(): Promise<boolean> {
    if (this.working) return false;
    this.nameLeft = true;
    this.working = true;
    this.#failure = null;
    try {
      await this.#device.nameByDefault();
      await this.#device.core.register(normalizeUsername(this.name), this.password, this.#invite);
      this.password = '';
      return true;
    } catch (thrown) {
      this.#failure = { failure: failureOf(thrown), name: this.name, password: this.password };
      return false;
    } finally {
      this.working = false;
    }
  }

  /** A refusal stands at its field until that field changes. */
  #told(field: 'name' | 'password'): string | null {
    const told = this.#failure;
    if (!told || FIELDS[told.failure.code] !== field) return null;
    return told[field] === this[field] ? told.failure.message : null;
  }
}
