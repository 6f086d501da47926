import type { CoreEvent } from '../../engine/core';
import { Refresher } from '../../platform/refresher';
import type { MemberView, PersonView } from '../../protocol/generated';
import type { People } from './people';
import type { TimelineSource } from './timeline.svelte';

/** Accounts that were members once and are asked for again at most. */
const FORMER_MAX = 500;

/** What the person calls people themselves: it goes before what they are called in a place. */
interface Called {
  nicknameOf(account: string): string | null;
}

const NOBODY_CALLED: Called = { nicknameOf: () => null };

/** The members of a group or community, as its rooms name them. */
export class RoomPeople implements People {
  readonly many = true;
  readonly place: string;
  members = $state.raw<MemberView[]>([]);
  /** Who is no member any more and still stands above messages. */
  former = $state.raw<PersonView[]>([]);
  readonly list = $derived(
    this.members.flatMap<PersonView>(({ account, username }) =>
      username === null ? [] : [{ account, username }],
    ),
  );

  readonly #source: TimelineSource;
  readonly #called: Called;
  readonly #query = new Refresher(() => this.#read());
  readonly #names = $derived(
    new Map([
      ...this.former.map(({ account, username }) => [account, username] as const),
      ...this.members.map(
        ({ account, nickname, username }) => [account, nickname ?? username ?? ''] as const,
      ),
    ]),
  );
  readonly #wanted = new Set<string>();
  #asking = false;

  constructor(source: TimelineSource, place: string, called: Called = NOBODY_CALLED) {
    this.#source = source;
    this.place = place;
    this.#called = called;
  }

  start(): () => void {
    void this.#query.ask();
    return this.#source.listen((event) => this.#hear(event));
  }

  nameOf(account: string, known?: string): string {
    const name = this.#called.nicknameOf(account) ?? this.#names.get(account);
    if (name !== undefined && name !== '') return name;
    if (known !== undefined && known !== '') return known;
    this.#want(account);
    return 'Somebody';
  }

  #hear(event: CoreEvent): void {
    if (event.type === 'owner' || (event.type === 'places' && event.place === this.place))
      void this.#query.ask();
  }

  async #read(): Promise<void> {
    try {
      this.members = await this.#source.core.listMembers(this.place);
    } catch {
      // Names stay as they are; the next event asks again.
    }
  }

  /** Asks once, after drawing, for those who are no members any more. */
  #want(account: string): void {
    if (account === '' || this.#wanted.has(account) || this.#wanted.size >= FORMER_MAX) return;
    this.#wanted.add(account);
    if (this.#asking) return;
    this.#asking = true;
    setTimeout(() => void this.#ask(), 50);
  }

  async #ask(): Promise<void> {
    this.#asking = false;
    const known = new Set(this.former.map((person) => person.account));
    const asked = [...this.#wanted].filter((account) => !known.has(account));
    try {
      const found = await this.#source.core.listPeople(asked);
      if (found.length > 0) this.former = [...this.former, ...found];
    } catch {
      // They stay "Somebody".
    }
  }
}
