import type { Core } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import type { Failure } from '../../protocol/generated';

/** The recovery key while it is shown. The words leave the memory of the page with the card. */
export class RecoveryKey {
  words = $state.raw<string[] | null>(null);
  failure = $state.raw<Failure | null>(null);
  working = $state(false);

  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
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
