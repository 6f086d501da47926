import type { Core } from '../../engine/core';
import { Working } from '../../platform/working.svelte';
import type { ReportView } from '../../protocol/generated';
import { ask, type Proof } from '../sign-in';
import { admin } from './registration.svelte';

/** Messages that people reported, each opened by its proof. */
export class Reports extends Working {
  closed = $state(false);
  rows = $state.raw<ReportView[] | null>(null);
  more = $state(false);
  open = $state(0);

  readonly #core: Core;
  readonly #proof: Proof;

  constructor(core: Core, proof: Proof) {
    super();
    this.#core = core;
    this.#proof = proof;
  }

  refresh(): Promise<void> {
    return this.do(() => this.#look(0));
  }

  next(): Promise<void> {
    return this.do(() => this.#look(this.rows?.length ?? 0));
  }

  show(closed: boolean): Promise<void> {
    return this.do(async () => {
      this.closed = closed;
      this.rows = null;
      await this.#look(0);
    });
  }

  /** Keeps out who sent it. */
  suspend(report: ReportView): Promise<void> {
    return this.do(async () => {
      const what = admin({ type: 'suspend', account: report.accused });
      await this.#proof.run(() => ask(this.#core, what, 'done'));
      await this.#look(0);
    });
  }

  /** Says what came of it; `false` where it stays open, for the words to be kept. */
  async close(report: ReportView, outcome: string): Promise<boolean> {
    let closed = false;
    await this.do(async () => {
      const what = admin({ type: 'close_report', id: report.id, outcome: outcome.trim() });
      closed = (await this.#proof.run(() => ask(this.#core, what, 'done'))) !== null;
      await this.#look(0);
    });
    return closed;
  }

  async #look(skip: number): Promise<void> {
    const what = admin({ type: 'list_reports', closed: this.closed, skip });
    const { page } = await ask(this.#core, what, 'reports');
    this.rows = skip === 0 ? page.reports : [...(this.rows ?? []), ...page.reports];
    this.more = page.more;
    this.open = page.open;
  }
}
