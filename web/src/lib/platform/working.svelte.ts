import type { Failure } from '../protocol/generated';
import { failureOf } from './failure';

/** What does one thing after another for a screen, and says what failed last. */
export class Working {
  working = $state(false);
  failure = $state.raw<Failure | null>(null);

  /** Does it, unless something is being done already. */
  protected async do(work: () => Promise<void>): Promise<void> {
    if (this.working) return;
    this.working = true;
    this.failure = null;
    try {
      await work();
    } catch (thrown) {
      this.failure = failureOf(thrown);
    } finally {
      this.working = false;
    }
  }
}
