import type { Core } from '../../engine/core';
import { Working } from '../../platform/working.svelte';
import type { AnnouncementListedView } from '../../protocol/generated';
import { ask, type Proof } from '../sign-in';
import { admin } from './registration.svelte';

export type Kind = AnnouncementListedView['kind'];

const HOUR = 60 * 60 * 1000;
/** For how long something is shown, in hours; 0 for as long as possible. */
export const LENGTHS = [
  { value: '24', label: 'A day' },
  { value: '168', label: 'A week' },
  { value: '0', label: '90 days' },
] as const;

/** What the server says to everybody, as administrators see and write it. */
export class Announcing extends Working {
  rows = $state.raw<AnnouncementListedView[] | null>(null);
  text = $state('');
  kind = $state<Kind>('notice');
  hours = $state<(typeof LENGTHS)[number]['value']>('24');

  readonly #core: Core;
  readonly #proof: Proof;

  constructor(core: Core, proof: Proof) {
    super();
    this.#core = core;
    this.#proof = proof;
  }

  refresh(): Promise<void> {
    return this.do(() => this.#look());
  }

  announce(): Promise<void> {
    return this.do(async () => {
      const text = this.text.trim();
      if (text === '') return;
      const hours = Number(this.hours);
      const ends_at = hours === 0 ? null : Date.now() + hours * HOUR;
      const what = admin({ type: 'announce', kind: this.kind, text, ends_at });
      if ((await this.#proof.run(() => ask(this.#core, what, 'announced'))) === null) return;
      this.text = '';
      await this.#look();
    });
  }

  withdraw(id: string): Promise<void> {
    return this.do(async () => {
      const what = admin({ type: 'withdraw_announcement', id });
      await this.#proof.run(() => ask(this.#core, what, 'done'));
      await this.#look();
    });
  }

  async #look(): Promise<void> {
    const what = admin({ type: 'list_announcements' });
    this.rows = (await ask(this.#core, what, 'announcements')).announcements;
  }
}

/** Whether it is shown to people now. */
export function inForce(row: AnnouncementListedView, now: number): boolean {
  return row.withdrawn_at === null && row.ends_at > now;
}
