import type { Core } from '../../engine/core';
import { Working } from '../../platform/working.svelte';
import type { AuditLineView, FiguresView } from '../../protocol/generated';
import { ask } from '../sign-in';
import { admin } from './registration.svelte';

/** The audit log, from its beginning, page by page. */
export class AuditLog extends Working {
  rows = $state.raw<AuditLineView[] | null>(null);
  more = $state(false);
  readonly #core: Core;

  constructor(core: Core) {
    super();
    this.#core = core;
  }

  next(): Promise<void> {
    return this.do(async () => {
      const after = this.rows?.at(-1)?.sequence ?? 0;
      const { page } = await ask(this.#core, admin({ type: 'list_audit', after }), 'audit');
      this.rows = [...(this.rows ?? []), ...page.lines];
      this.more = page.more;
    });
  }
}

/** How much there is on the server. */
export class Counts extends Working {
  view = $state.raw<FiguresView | null>(null);
  readonly #core: Core;

  constructor(core: Core) {
    super();
    this.#core = core;
  }

  refresh(): Promise<void> {
    return this.do(async () => {
      this.view = (await ask(this.#core, admin({ type: 'figures' }), 'figures')).figures;
    });
  }
}

/** One line as text, for keeping it elsewhere. */
export function lineText(line: AuditLineView): string {
  const actor = line.actor ?? 'command line';
  return [line.sequence, new Date(line.time).toISOString(), actor, line.act, line.subject, line.hash].join(
    '\t',
  );
}
