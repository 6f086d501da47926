import type { Core } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import type { Failure, PlaceChange } from '../../protocol/generated';

/** One change of a place at a time, with what came of it. */
export class Changing {
  working = $state(false);
  failure = $state.raw<Failure | null>(null);

  readonly #core: Core;
  readonly #place: string;

  constructor(core: Core, place: string) {
    this.#core = core;
    this.#place = place;
  }

  /** `true` when it came about. */
  async make(change: PlaceChange): Promise<boolean> {
    return this.do(() => this.#core.changePlace(this.#place, change));
  }

  async do(goal: () => Promise<unknown>): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.failure = null;
    try {
      await goal();
      return true;
    } catch (thrown) {
      this.failure = failureOf(thrown);
      return false;
    } finally {
      this.working = false;
    }
  }
}
