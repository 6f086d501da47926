import { normalizeUsername } from '../../format/username';
import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';
import type { Device } from '../device';

/** The form with which somebody starts again under their name. */
export class Reset {
  name = $state('');
  password = $state('');
  code = $state('');
  /** The password was right, and the account has a second step. */
  needsCode = $state(false);
  confirmed = $state('');
  working = $state(false);
  failure = $state.raw<Failure | null>(null);

  readonly #device: Device;

  constructor(device: Device, name: string) {
    this.#device = device;
    this.name = name;
  }

  get username(): string {
    return normalizeUsername(this.name);
  }

  /** What cannot be undone is typed. */
  get sure(): boolean {
    return this.username !== '' && normalizeUsername(this.confirmed) === this.username;
  }

  get complete(): boolean {
    return this.sure && this.password !== '' && (!this.needsCode || this.code.trim() !== '');
  }

  /** Starts again; `true` when the new account is here. */
  async submit(): Promise<boolean> {
    if (this.working || !this.complete) return false;
    this.working = true;
    this.failure = null;
    try {
      await this.#device.nameByDefault();
      const code = this.needsCode ? this.code.trim() : undefined;
      await this.#device.core.resetIdentity(this.username, this.password, code);
      this.password = this.code = '';
      return true;
    } catch (thrown) {
      const failure = failureOf(thrown);
      this.code = '';
      if (failure.code === 'second_step_needed') this.needsCode = true;
      else this.failure = failure;
      return false;
    } finally {
      this.working = false;
    }
  }
}

/** "in 23 hours", "in 12 minutes": when somebody may come back. */
export function waitWords(seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  const format = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
  return minutes < 90 ? format.format(minutes, 'minute') : format.format(Math.round(minutes / 60), 'hour');
}
