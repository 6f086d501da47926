import type { Core } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import type { Failure, SearchHitView, SearchPosition } from '../../protocol/generated';

/** Hits asked for at a time. */
const PAGE = 30;
/** What is typed rests so long before it is searched for. */
const REST_MS = 120;

/** What searches need from the device. */
export interface SearchSource {
  readonly core: Pick<Core, 'search'>;
}

/** A search as somebody types it, and what was found. It stays while chats are looked at. */
export class Search {
  typed = $state('');
  /** `null` before the first answer and while nothing is typed. */
  hits = $state.raw<SearchHitView[] | null>(null);
  /** Asked and not answered yet. */
  working = $state(false);
  failure = $state.raw<Failure | null>(null);
  /** The hit that was opened last. */
  opened = $state<string | null>(null);

  readonly #source: SearchSource;
  #next = $state.raw<SearchPosition | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What is asked last counts; answers to earlier questions are late. */
  #asked = 0;

  constructor(source: SearchSource) {
    this.#source = source;
  }

  get more(): boolean {
    return this.#next !== null;
  }

  /** What is wrong with what was typed: a hint, not a failure of the device. */
  get hint(): string | null {
    const failure = this.failure;
    if (failure === null || !failure.code.startsWith('search_')) return null;
    return failure.code === 'search_empty' ? null : failure.message;
  }

  /** The device could not search. */
  get trouble(): Failure | null {
    return this.failure?.code.startsWith('search_') === false ? this.failure : null;
  }

  /** Takes what is in the field now. */
  type(typed: string): void {
    this.typed = typed;
    clearTimeout(this.#timer);
    if (typed.trim() === '') {
      this.#asked += 1;
      this.hits = null;
      this.#next = null;
      this.failure = null;
      this.working = false;
      return;
    }
    this.working = true;
    this.#timer = setTimeout(() => void this.ask(), REST_MS);
  }

  async ask(): Promise<void> {
    await this.#page(null);
  }

  async loadMore(): Promise<void> {
    if (this.#next && !this.working) await this.#page(this.#next);
  }

  async #page(behind: SearchPosition | null): Promise<void> {
    clearTimeout(this.#timer);
    const asked = (this.#asked += 1);
    this.working = true;
    try {
      const page = await this.#source.core.search(this.typed, behind, PAGE);
      if (asked !== this.#asked) return;
      this.hits = behind ? [...(this.hits ?? []), ...page.hits] : page.hits;
      this.#next = page.next;
      this.failure = null;
    } catch (thrown) {
      if (asked !== this.#asked) return;
      this.failure = failureOf(thrown);
      if (behind === null) this.hits = null;
      this.#next = null;
    } finally {
      if (asked === this.#asked) this.working = false;
    }
  }
}

/** An excerpt in pieces: what was found and what stands between. Joined they are the excerpt. */
export function cutExcerpt(excerpt: string, matches: readonly [number, number][]): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const [from, to] of matches) {
    if (from < end || to <= from || to > excerpt.length) continue;
    if (from > end) pieces.push({ text: excerpt.slice(end, from), found: false });
    pieces.push({ text: excerpt.slice(from, to), found: true });
    end = to;
  }
  if (end < excerpt.length) pieces.push({ text: excerpt.slice(end), found: false });
  return pieces;
}

export interface Piece {
  text: string;
  found: boolean;
}
