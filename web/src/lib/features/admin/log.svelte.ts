import type { Core } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import type { AuditLineView, Failure, FiguresView } from '../../protocol/generated';
import { ask } from '../sign-in';
import { admin } from './registration.svelte';

/** The audit log, from its beginning, page by page. */
export class AuditLog {
  rows = $state.raw<AuditLineView[] | null>(null);
  more = $state(false);
  working = $state(false);
  failure = $state.raw<Failure | null>(null);
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async next(): Promise<void> {
    if (this.working) return;
    this.working = true;
    this.failure = null;
    try {
      const after = this.rows?.at(-1)?.sequence ?? 0;
      const { page } = await ask(this.#core, admin({ type: 'list_audit', after }), 'audit');
      this.rows = [...(this.rows ?? []), ...page.lines];
      this.more = page.more;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    } finally {
      this.working = false;
    }
  }
}

/** How much there is on the server. */
export class Counts {
  view = $state.raw<FiguresView | null>(null);
  failure = $state.raw<Failure | null>(null);
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  async refresh(): Promise<void> {
    try {
      this.view = (await ask(this.#core, admin({ type: 'figures' }), 'figures')).figures;
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }
}

/** One line as text, for keeping it elsewhere. */
export function lineText(line: AuditLineView): string {
  const actor = line.actor ?? 'command line';
  return [line.sequence, new Date(line.time).toISOString(), actor, line.act, line.subject, line.hash].join(
    '\t',
  );
}
