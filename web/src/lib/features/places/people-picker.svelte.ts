import type { Core } from '../../engine/core';
import { normalizeUsername, usernameFits } from '../../format/username';
import { failureOf } from '../../platform/failure';
import { parseLink } from '../../platform/route';
import type { PersonView } from '../../protocol/generated';

/** Choosing several people: from those one writes with, or by handle or contact link. */
export class PeoplePicker {
  typed = $state('');
  chosen = $state.raw<PersonView[]>([]);
  working = $state(false);
  problem = $state<string | null>(null);
  /** Known people who fit what is typed and are not chosen yet. */
  readonly offered = $derived.by(() => {
    const wanted = normalizeUsername(this.typed);
    const taken = new Set([...this.chosen.map((person) => person.account), ...this.#without]);
    return this.#known
      .filter((person) => !taken.has(person.account) && person.username.startsWith(wanted))
      .slice(0, 6);
  });

  readonly #core: Core;
  readonly #known: readonly PersonView[];
  readonly #without: ReadonlySet<string>;

  /** `without` are accounts that cannot be chosen: members, the own one. */
  constructor(core: Core, known: readonly PersonView[], without: Iterable<string>) {
    this.#core = core;
    this.#known = known;
    this.#without = new Set(without);
  }

  choose(person: PersonView): void {
    if (this.#without.has(person.account)) this.problem = `${person.username} is in already.`;
    else if (!this.chosen.some((one) => one.account === person.account))
      this.chosen = [...this.chosen, person];
    this.typed = '';
  }

  remove(account: string): void {
    this.chosen = this.chosen.filter((person) => person.account !== account);
  }

  changed(): void {
    this.problem = null;
  }

  /** Takes what is typed: the one who is offered for it, else whoever the server knows by it. */
  async take(): Promise<void> {
    const link = parseLink(this.typed);
    const wanted = normalizeUsername(this.typed);
    const exact = this.offered.find((person) => person.username === wanted);
    if (this.working || wanted === '') return;
    if (exact) {
      this.choose(exact);
      return;
    }
    if (link ? link.page !== 'contact' : !usernameFits(this.typed)) {
      this.problem = 'Type their whole name, like “mia”, or paste their contact link.';
      return;
    }
    this.working = true;
    this.problem = null;
    try {
      const person = await (link?.page === 'contact'
        ? this.#core.findPerson(link.username, link.account)
        : this.#core.findPerson(wanted, null));
      this.choose(person);
    } catch (thrown) {
      this.problem = failureOf(thrown).message;
    } finally {
      this.working = false;
    }
  }
}
