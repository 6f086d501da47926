import { normalizeUsername } from '../../format/username';
import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';
import { PASSWORD_MIN, passwordHint } from '../account';
import type { Device } from '../device';
import { isStrong } from '../history';
import { plainWords, unknownText, WORDS } from './words';

/** Where a failure is shown: at the field that can cure it. */
const FIELDS: Record<string, 'words' | 'password'> = {
  words_invalid: 'words',
  password_short: 'password',
  password_common: 'password',
  password_long: 'password',
};

/** The form with which somebody comes back to an account by its recovery key. */
export class Recover {
  name = $state('');
  typed = $state('');
  password = $state('');
  working = $state(false);
  #unknown = $state.raw<{ words: string; places: number[] }>({ words: '', places: [] });
  #failure = $state.raw<{ failure: Failure; words: string; password: string } | null>(null);

  words = $derived(plainWords(this.typed));
  hint = $derived(passwordHint(this.password, this.name));

  readonly #device: Device;

  constructor(device: Device, name: string) {
    this.#device = device;
    this.name = name;
  }

  /** "17 of 24 words" */
  get count(): string {
    return `${this.words.length} of ${WORDS} words`;
  }

  get tooMany(): boolean {
    return this.words.length > WORDS;
  }

  get wordsProblem(): string | null {
    const told = this.#told('words', this.words.join(' '));
    if (told !== null) return told;
    if (this.tooMany) return `There are only ${WORDS} words. Look for one that came in twice.`;
    // Places count only for the words that were asked about.
    const asked = this.#unknown.words.split(' ');
    return unknownText(this.#unknown.places.filter((place) => asked[place] === this.words[place]));
  }

  get passwordProblem(): string | null {
    return this.#told('password', this.password);
  }

  /** What concerns no single field. */
  get failure(): Failure | null {
    const failure = this.#failure?.failure ?? null;
    return failure && !FIELDS[failure.code] ? failure : null;
  }

  get complete(): boolean {
    return (
      normalizeUsername(this.name) !== '' &&
      this.words.length === WORDS &&
      this.wordsProblem === null &&
      Array.from(this.password).length >= PASSWORD_MIN
    );
  }

  /** Looks at the words so far; the last one only when it is `finished`. */
  async check(finished: boolean): Promise<void> {
    const ended = finished || /[^\p{L}\p{M}]$/u.test(this.typed) || this.words.length >= WORDS;
    const words = (ended ? this.words : this.words.slice(0, -1)).join(' ');
    if (words === this.#unknown.words) return;
    try {
      const places = words === '' ? [] : await this.#device.core.unknownWords(words);
      this.#unknown = { words, places };
    } catch {
      // It only advises; the engine looks again when the form is sent.
    }
  }

  /** Comes back; `true` when the account is here. */
  async submit(): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.#failure = null;
    const words = this.words.join(' ');
    try {
      await this.#device.nameByDefault();
      const username = normalizeUsername(this.name);
      // Only where the old password opened the history, does a strong one.
      const strong = await isStrong(this.password, username);
      await this.#device.core.recover(username, words, this.password, strong);
      this.password = this.typed = '';
      return true;
    } catch (thrown) {
      this.#failure = { failure: failureOf(thrown), words, password: this.password };
      return false;
    } finally {
      this.working = false;
    }
  }

  /** A refusal stands at its field until that field changes. */
  #told(field: 'words' | 'password', now: string): string | null {
    const told = this.#failure;
    return told && FIELDS[told.failure.code] === field && told[field] === now ? told.failure.message : null;
  }
}
