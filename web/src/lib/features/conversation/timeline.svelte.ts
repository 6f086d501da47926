import { SvelteMap } from 'svelte/reactivity';

import type { Core, CoreEvent } from '../../engine/core';
import { attended } from '../../platform/browser';
import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { Failure, MessageView, Position } from '../../protocol/generated';
import { comparePositions, keepSame } from './position';

/** Most rows held at a time: enough for several screens, few enough to stay quick. */
export const WINDOW = 500;
/** Rows asked for at a time. */
export const PAGE = 50;

/** Above the newest page rows change seldom: however much happens, they are read again no more often than this. */
export const WHOLE_MS = 500;

/** Rows on each side of a message that is jumped to. */
const AROUND = 40;

/** What goes with a text. */
export interface TextWith {
  /** The message that it replies to. */
  reply?: MessageView | null;
  /** Accounts that it names. */
  mentions?: string[];
}

/** What a timeline needs from the device. */
export interface TimelineSource {
  readonly core: Core;
  listen(hear: (event: CoreEvent) => void): () => void;
}

/**
 * The window of a room's messages that a screen shows, oldest first.
 *
 * Invariant: the window is without gaps, has at most `WINDOW` rows, and holds the newest message unless `detached`.
 */
export class Timeline {
  readonly room: string;
  /** `null` until the first answer. */
  messages = $state.raw<MessageView[] | null>(null);
  /** Texts on their way into the outbox: shown at once. */
  pending = $state.raw<MessageView[]>([]);
  failure = $state.raw<Failure | null>(null);
  /** A further page could not be loaded; scrolling alone does not ask again. */
  pageFailure = $state.raw<Failure | null>(null);
  /** What somebody wanted to do with a message did not happen. */
  actionFailure = $state.raw<Failure | null>(null);
  /** The first message ever is in the window. */
  atStart = $state(false);
  loadingOlder = $state(false);
  /** The message above which the unread line stands. */
  unreadFrom = $state.raw<string | null>(null);
  /** Messages of others that arrived below the visible part. */
  newBelow = $state(0);
  /** The newest message of somebody else since the room was opened, to be announced. */
  arrived = $state.raw<MessageView | null>(null);

  /** Rows keep the key under which they were first drawn, also when the engine gave them their id later. */
  readonly #keys = new SvelteMap<string, string>();
  readonly #source: TimelineSource;
  readonly #query = new Refresher(() => this.#refresh());
  #wholeWanted = false;
  #wholeLater: ReturnType<typeof setTimeout> | undefined;
  #newerBelow = $state(false);
  #opening: Promise<void> = Promise.resolve();
  #atBottom = true;
  #readUpTo: Position | null = null;
  readonly #unreadAtOpening: number;
  #stop: () => void = () => undefined;
  #stopped = false;
  #sent = 0;

  constructor(source: TimelineSource, room: string, unread: number) {
    this.#source = source;
    this.room = room;
    this.#unreadAtOpening = unread;
  }

  /** Newer messages exist below the window. */
  get detached(): boolean {
    return this.#newerBelow;
  }

  /** The rows to draw: what the engine has, then what is on its way to it. */
  get rows(): MessageView[] {
    const messages = this.messages ?? [];
    if (this.pending.length === 0 || this.detached) return messages;
    const known = new Set(messages.map((message) => this.keyOf(message)));
    return [...messages, ...this.pending.filter((message) => !known.has(message.id))];
  }

  keyOf(message: MessageView): string {
    return this.#keys.get(message.id) ?? message.id;
  }

  /** Loads the newest messages and follows the room; the returned function ends it. */
  start(): () => void {
    this.#stop = this.#source.listen((event) => {
      // Who is blocked now, is folded now.
      if (event.type === 'owner' || event.type === 'people') void this.refresh();
      if (event.type === 'timeline' && event.room === this.room) void this.#query.ask();
      if (event.type === 'arrived' && event.room === this.room && this.detached) this.newBelow += 1;
    });
    this.#opening = this.open();
    return () => {
      this.#stopped = true;
      clearTimeout(this.#wholeLater);
      this.#stop();
    };
  }

  /** Loads the newest messages, as far back as the first unread one, and places the unread line. */
  async open(): Promise<void> {
    await this.#loadNewest((page) => this.#placeUnreadLine(page));
  }

  /** Reads the whole window again. */
  refresh(): Promise<void> {
    this.#wholeWanted = true;
    return this.#query.ask();
  }

  /** Loads the page above. What falls out of the window below can be loaded again. */
  async loadOlder(): Promise<void> {
    const first = this.messages?.[0];
    if (!first || this.atStart || this.loadingOlder) return;
    this.loadingOlder = true;
    this.pageFailure = null;
    try {
      const page = await this.#source.core.listMessages(this.room, first.position, PAGE);
      if (this.#stopped) return;
      const messages = this.#without(page, this.messages ?? []);
      const window = [...messages, ...(this.messages ?? [])];
      if (window.length > WINDOW) this.#newerBelow = true;
      this.atStart = page.length < PAGE;
      this.messages = window.slice(0, WINDOW);
    } catch (thrown) {
      this.pageFailure = failureOf(thrown);
    } finally {
      this.loadingOlder = false;
    }
  }

  /** Loads the page below, where older ones pushed it out of the window or a message in the middle was jumped to. */
  async loadNewer(): Promise<void> {
    const last = this.messages?.at(-1);
    if (!this.#newerBelow || !last || this.loadingOlder) return;
    this.loadingOlder = true;
    this.pageFailure = null;
    try {
      const page = await this.#source.core.listMessagesAfter(this.room, last.position, PAGE);
      if (this.#stopped) return;
      const window = [...(this.messages ?? []), ...this.#without(page, this.messages ?? [])];
      if (window.length > WINDOW) this.atStart = false;
      this.#newerBelow = page.length === PAGE;
      this.messages = window.slice(-WINDOW);
    } catch (thrown) {
      this.pageFailure = failureOf(thrown);
    } finally {
      this.loadingOlder = false;
    }
  }

  /** Goes back to the newest messages. */
  async jumpToNewest(): Promise<void> {
    this.newBelow = 0;
    if (this.detached) await this.#loadNewest();
  }

  /** Brings the first unread message into the window. */
  async reachUnread(): Promise<string | null> {
    const line = this.unreadFrom;
    if (line !== null && !this.messages?.some((message) => message.id === line)) await this.#loadNewest();
    return line;
  }

  /** Puts a text into the outbox and shows it at once. Rejects when the device could not keep it. */
  async send(text: string, { reply = null, mentions = [] }: TextWith = {}): Promise<void> {
    this.#sent += 1;
    const shown = pendingRow(this.room, `pending-${this.#sent}`, text, reply);
    this.unreadFrom = null;
    this.newBelow = 0;
    if (this.detached) await this.jumpToNewest();
    this.pending = [...this.pending, shown];
    try {
      const given = { ...(reply ? { replyTo: reply.id } : {}), ...(mentions.length > 0 ? { mentions } : {}) };
      const id = await this.#source.core.sendText(this.room, text, given);
      this.#keys.set(id, shown.id);
      await this.#query.ask();
    } finally {
      this.pending = this.pending.filter((message) => message !== shown);
    }
  }

  get core(): Core {
    return this.#source.core;
  }

  /** Brings a message into the window, with what stands around it; `false` when it is not here. */
  async reach(id: string): Promise<boolean> {
    await this.#opening;
    if (this.messages?.some((message) => message.id === id)) return true;
    try {
      const page = await this.#source.core.listMessagesAround(this.room, id, AROUND);
      if (this.#stopped) return false;
      const at = page.findIndex((message) => message.id === id);
      this.failure = null;
      this.pageFailure = null;
      this.atStart = at < AROUND;
      this.#newerBelow = page.length - at > AROUND;
      this.messages = keepSame(this.messages ?? [], page);
      return at >= 0;
    } catch {
      return false;
    }
  }

  /** The newest message of somebody else, also one that stands in a thread. */
  get newestOfOthers(): string | null {
    return this.messages?.findLast((message) => !message.mine)?.id ?? null;
  }

  /** Does a goal that changes messages, and shows why it did not come about. */
  async act(goal: () => Promise<unknown>): Promise<void> {
    this.actionFailure = null;
    try {
      await goal();
      await this.refresh();
    } catch (thrown) {
      this.actionFailure = failureOf(thrown);
    }
  }

  /** The screen says whether the newest message is in view. */
  setAtBottom(atBottom: boolean): void {
    this.#atBottom = atBottom;
    if (atBottom && !this.detached) this.newBelow = 0;
  }

  /** The screen says what the last visible message is: everything up to it was read. */
  async seen(id: string): Promise<void> {
    const messages = this.messages ?? [];
    const at = messages.findIndex((message) => message.id === id);
    const newest = messages.slice(0, at + 1).findLast((message) => !message.mine);
    if (!newest || (this.#readUpTo && comparePositions(newest.position, this.#readUpTo) <= 0)) return;
    const before = this.#readUpTo;
    this.#readUpTo = newest.position;
    try {
      await this.#source.core.markRead(this.room, newest.id);
    } catch {
      // Said again with the next message that is seen.
      this.#readUpTo = before;
    }
  }

  async #loadNewest(before: (page: MessageView[]) => void = () => undefined): Promise<void> {
    const limit = Math.min(WINDOW, Math.max(PAGE, this.#unreadAtOpening + PAGE / 2));
    try {
      const page = await this.#source.core.listMessages(this.room, null, limit);
      if (this.#stopped) return;
      this.failure = null;
      this.#newerBelow = false;
      this.atStart = page.length < limit;
      before(page);
      this.messages = keepSame(this.messages ?? [], page);
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }

  async #refresh(): Promise<void> {
    if (this.#stopped || this.messages === null) return;
    const held = this.messages;
    let limit = this.#rowsToRead(held);
    const last = this.detached ? held.at(-1)?.position : undefined;
    // Up to the last row of the window, or to the newest.
    const before = last ? { ...last, ordinal: last.ordinal + 1 } : null;
    const newest = held.findLast((row) => row.position.sequence !== null)?.position;
    try {
      let page = await this.#source.core.listMessages(this.room, before, limit);
      const touches = () =>
        page.length < limit || !newest || page.some((row) => comparePositions(row.position, newest) <= 0);
      // More arrived at once than a page holds: what lies between is asked for, too.
      while (!touches() && limit < WINDOW) {
        limit = Math.min(WINDOW, 2 * limit);
        page = await this.#source.core.listMessages(this.room, before, limit);
      }
      if (this.#stopped || this.messages !== held) {
        // A page came in between; ask once more with what is held now.
        if (!this.#stopped) void Promise.resolve().then(() => this.refresh());
        return;
      }
      this.failure = null;
      const first = page[0];
      const older = first ? held.filter((row) => comparePositions(row.position, first.position) < 0) : [];
      // Rows above the page stay as they are, unless there is a gap between; a row that is gone from the page itself
      // was discarded.
      const kept =
        page.length < limit || !touches() ? [] : older.filter((row) => row.position.sequence !== null);
      if (page.length < limit) this.atStart = true;
      else if (!touches()) this.atStart = false;
      this.#adoptPending(held, page);
      this.#noticeArrivals(held, page);
      this.messages = keepSame(held, [...kept, ...page]).slice(-WINDOW);
    } catch {
      // What is shown stays; the next event asks again.
    }
  }

  /**
   * As a rule the end of the window is read again, and the whole of it a little later: a message that comes costs the
   * same however far somebody has scrolled.
   */
  #rowsToRead(held: MessageView[]): number {
    // A little more than is held: what arrived since then must not push out what is on the screen.
    const whole = Math.min(WINDOW, Math.max(PAGE, held.length + 10));
    const waiting = held.filter((row) => row.position.sequence === null).length;
    const end = Math.min(whole, PAGE + waiting);
    if (this.#wholeWanted || end === whole) {
      this.#wholeWanted = false;
      clearTimeout(this.#wholeLater);
      this.#wholeLater = undefined;
      return whole;
    }
    this.#wholeLater ??= setTimeout(() => void this.refresh(), WHOLE_MS);
    return end;
  }

  /** The engine told of a text before it answered the sending: it is the row that is shown already. */
  #adoptPending(held: MessageView[], page: MessageView[]): void {
    const ids = new Set(held.map((message) => message.id));
    const adopted = new Set(this.#keys.values());
    for (const message of page) {
      if (!message.mine || ids.has(message.id) || this.#keys.has(message.id)) continue;
      const shown = this.pending.find((row) => !adopted.has(row.id) && sameText(row, message));
      if (!shown) continue;
      this.#keys.set(message.id, shown.id);
      adopted.add(shown.id);
    }
  }

  #noticeArrivals(held: MessageView[], page: MessageView[]): void {
    if (this.detached) return;
    const newest = held.findLast((message) => message.position.sequence !== null)?.position;
    const ids = new Set(held.map((message) => message.id));
    const fresh = page.filter(
      (message) =>
        !message.mine && !ids.has(message.id) && (!newest || comparePositions(message.position, newest) > 0),
    );
    const last = fresh.at(-1);
    if (!last) return;
    this.arrived = last;
    if (!this.#atBottom) this.newBelow += fresh.length;
    const lineStands = this.unreadFrom !== null && !this.#isRead(this.unreadFrom, held);
    if (!lineStands && (!attended() || !this.#atBottom)) this.unreadFrom = fresh[0]?.id ?? null;
  }

  #isRead(id: string, messages: MessageView[]): boolean {
    const message = messages.find((row) => row.id === id);
    return !!message && !!this.#readUpTo && comparePositions(message.position, this.#readUpTo) <= 0;
  }

  #placeUnreadLine(page: MessageView[]): void {
    const received = page.filter((message) => !message.mine && !message.blocked);
    const unread = Math.min(this.#unreadAtOpening, received.length);
    this.unreadFrom = unread > 0 ? (received[received.length - unread]?.id ?? null) : null;
    const lastRead = received[received.length - unread - 1];
    this.#readUpTo = lastRead?.position ?? null;
  }

  #without(page: MessageView[], held: MessageView[]): MessageView[] {
    const ids = new Set(held.map((message) => message.id));
    return page.filter((message) => !ids.has(message.id));
  }
}

/** A text as it is shown until the engine has it. */
export function pendingRow(room: string, id: string, text: string, reply: MessageView | null): MessageView {
  return {
    id,
    room,
    author: '',
    mine: true,
    sent_at: Date.now(),
    delivery: { type: 'queued' },
    missing_before: 0,
    body: { type: 'text', text },
    position: { sequence: null, ordinal: Number.MAX_SAFE_INTEGER },
    reply: reply && {
      message: reply.id,
      author: reply.author,
      username: '',
      excerpt: reply.body.type === 'text' ? reply.body.text.slice(0, 120) : '',
      state: 'here',
    },
    edited_at: null,
    reactions: [],
    pinned: false,
    thread: null,
    forwarded: null,
    expires_at: null,
    mentions_me: false,
    can: { edit: false, delete_for_everyone: false, react: false, pin: false, reply: false, forward: false },
    blocked: false,
  };
}

function sameText(one: MessageView, other: MessageView): boolean {
  return one.body.type === 'text' && other.body.type === 'text' && one.body.text === other.body.text;
}
