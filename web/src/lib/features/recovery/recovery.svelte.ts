import type { Core } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';
import { plainWords } from './words';

/** Words that are asked back before the key counts as kept. */
const ASKED = 2;

/**
 * The recovery key while it is shown, and then checked back: what nobody can repeat, nobody has kept. The words leave
 * the memory of the page with the dialog.
 */
export class RecoveryKey {
  words = $state.raw<string[] | null>(null);
  failure = $state.raw<Failure | null>(null);
  working = $state(false);
  /** Places, counted from 0, of the words that are asked back; `null` while they are shown. */
  asked = $state.raw<number[] | null>(null);
  answers = $state<string[]>([]);
  /** Places at which the answer was wrong. */
  wrong = $state.raw<number[]>([]);

  readonly #core: Core;
  readonly #pick: (below: number) => number;

  constructor(core: Core, pick: (below: number) => number = pickOne) {
    this.#core = core;
    this.#pick = pick;
  }

  /** Hides the words and asks for two of them. */
  ask(): void {
    const words = this.words;
    if (!words) return;
    const left = words.map((_, place) => place);
    const asked = Array.from({ length: ASKED }, () => left.splice(this.#pick(left.length), 1)[0] ?? 0);
    this.asked = asked.sort((one, other) => one - other);
    this.answers = asked.map(() => '');
    this.wrong = [];
  }

  /** Back to the words. */
  look(): void {
    this.asked = null;
    this.wrong = [];
  }

  /** Whether the answers are right; what is not, is told. */
  check(): boolean {
    const { words, asked } = this;
    if (!words || !asked) return false;
    this.wrong = asked.filter((place, at) => plainWords(this.answers[at] ?? '').join(' ') !== words[place]);
    return this.wrong.length === 0;
  }

  async show(): Promise<void> {
    this.failure = null;
    try {
      this.words = await this.#core.recoveryWords();
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }

  /** The person has it; it is not offered again. */
  async keep(): Promise<boolean> {
    this.working = true;
    try {
      await this.#core.recoveryKeyKept();
      return true;
    } catch (thrown) {
      this.failure = failureOf(thrown);
      return false;
    } finally {
      this.working = false;
    }
  }
}

function pickOne(below: number): number {
  // Chance enough for a question; nothing secret hangs on it.
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % below;
}

/** The words as a page for a drawer: what it is, whose, and the words with their numbers. */
export function recoveryText(username: string, words: readonly string[]): string {
  const lines = words.map((word, at) => `${String(at + 1).padStart(2, ' ')}. ${word}`);
  return [
    `Recovery key of ${username} on ${location.host} (Conclave)`,
    '',
    'Keep this where only you find it. Whoever has it can take this account.',
    '',
    ...lines,
    '',
  ].join('\n');
}
