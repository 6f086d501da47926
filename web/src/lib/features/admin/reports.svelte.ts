import type { Core } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import type { Failure, ReportView } from '../../protocol/generated';
import { ask, type Proof } from '../sign-in';
import { admin } from './registration.svelte';

export const REASONS: Record<ReportView['reason'], string> = {
  spam: 'Advertising or fraud',
  abuse: 'Insults or threats',
  illegal: 'Against the law',
  other: 'Something else',
};

/** Messages that people reported, each opened by its proof. */
export class Reports {
  closed = $state(false);
  rows = $state.raw<ReportView[] | null>(null);
  more = $state(false);
  open = $state(0);
  working = $state(false);
  failure = $state.raw<Failure | null>(null);

  readonly #core: Core;
  readonly #proof: Proof;

  constructor(core: Core, proof: Proof) {
    this.#core = core;
    this.#proof = proof;
  }

  refresh(): Promise<void> {
    return this.#do(() => this.#look(0));
  }

  next(): Promise<void> {
    return this.#do(() => this.#look(this.rows?.length ?? 0));
  }

  show(closed: boolean): Promise<void> {
    return this.#do(async () => {
      this.closed = closed;
      this.rows = null;
      await this.#look(0);
    });
  }

  /** Keeps out who sent it. */
  suspend(report: ReportView): Promise<void> {
    return this.#do(async () => {
      const what = admin({ type: 'suspend', account: report.accused });
      await this.#proof.run(() => ask(this.#core, what, 'done'));
      await this.#look(0);
    });
  }

  close(report: ReportView, outcome: string): Promise<void> {
    return this.#do(async () => {
      const what = admin({ type: 'close_report', id: report.id, outcome: outcome.trim() });
      await this.#proof.run(() => ask(this.#core, what, 'done'));
      await this.#look(0);
    });
  }

  async #look(skip: number): Promise<void> {
    const what = admin({ type: 'list_reports', closed: this.closed, skip });
    const { page } = await ask(this.#core, what, 'reports');
    this.rows = skip === 0 ? page.reports : [...(this.rows ?? []), ...page.reports];
    this.more = page.more;
    this.open = page.open;
  }

  async #do(work: () => Promise<void>): Promise<void> {
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
