import type { CoreEvent } from '../../engine/core';
import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { ChatChange, ChatView, Failure, PersonChange } from '../../protocol/generated';
import type { Device } from '../device';

/** The list of chats, newest first, as the engine last told it. */
export class Chats {
  /** `null` until the first answer. */
  rows = $state.raw<ChatView[] | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** What somebody wanted of a chat did not happen. */
  actionFailure = $state.raw<Failure | null>(null);
  /** Chats that strangers began, and that wait for a word. */
  requests = $derived((this.rows ?? []).filter((chat) => chat.request));
  /** All others. */
  known = $derived((this.rows ?? []).filter((chat) => !chat.request));
  /** In chats and groups that may say something; a community has its own number. */
  unread = $derived(
    this.known
      .filter((chat) => chat.kind !== 'channel' && chat.muted_until === null)
      .reduce((sum, chat) => sum + chat.unread, 0),
  );

  readonly #device: Device;
  readonly #query = new Refresher(() => this.#read());

  constructor(device: Device) {
    this.#device = device;
  }

  /** Begins to follow the engine; the returned function ends it. */
  start(): () => void {
    void this.refresh();
    return this.#device.listen((event) => this.#hear(event));
  }

  refresh(): Promise<void> {
    return this.#query.ask();
  }

  find(room: string): ChatView | null {
    return this.rows?.find((chat) => chat.room === room) ?? null;
  }

  /** The chat above or below another one in the list. */
  neighbour(room: string | null, step: 1 | -1): ChatView | null {
    const rows = this.known;
    const at = rows.findIndex((chat) => chat.room === room);
    if (at < 0) return rows[0] ?? null;
    return rows[at + step] ?? null;
  }

  /** Sets something of a chat on all own devices. */
  set(room: string, change: ChatChange): Promise<void> {
    return this.#act(() => this.#device.core.setChat(room, change));
  }

  /** Sets something of the person of a chat on all own devices. */
  setPerson(chat: ChatView, change: PersonChange): Promise<void> {
    const { person } = chat;
    return person === null
      ? Promise.resolve()
      : this.#act(() => this.#device.core.setPerson(person.account, change));
  }

  /** Deletes a request with all of its messages. */
  deleteRequest(chat: ChatView): Promise<void> {
    return this.#act(() => this.#device.core.deleteRequest(chat.room));
  }

  /** Nothing in it is unread any more. */
  markRead(chat: ChatView): Promise<void> {
    return this.#act(async () => {
      if (chat.unread > 0 && chat.last) await this.#device.core.markRead(chat.room, chat.last.id);
      if (chat.marked_unread) await this.#device.core.setChat(chat.room, { marked_unread: false });
    });
  }

  async #act(goal: () => Promise<void>): Promise<void> {
    this.actionFailure = null;
    try {
      await goal();
      await this.refresh();
    } catch (thrown) {
      this.actionFailure = failureOf(thrown);
    }
  }

  #hear(event: CoreEvent): void {
    const concerns = event.type === 'chats' || event.type === 'owner' || event.type === 'account';
    if (concerns) void this.refresh();
  }

  async #read(): Promise<void> {
    try {
      const rows = await this.#device.core.listChats();
      this.rows = rows.toSorted(
        (one, other) => rankOf(one) - rankOf(other) || other.active_at - one.active_at,
      );
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }
}

/** Favourites stand above all others, what is archived below. */
function rankOf(chat: ChatView): number {
  if (chat.archived) return 2;
  return chat.favourite ? 0 : 1;
}

/** Chats whose person fits what was typed, the best first: whole word beginnings before places inside. */
export function rankChats(chats: ChatView[], typed: string): ChatView[] {
  const wanted = typed.trim().replace(/^@/, '').toLowerCase();
  if (wanted === '') return chats;
  const rank = (chat: ChatView) => {
    const name = chatName(chat).toLowerCase();
    if (name.startsWith(wanted)) return 0;
    if (name.split(/[._\- ]/).some((word) => word.startsWith(wanted))) return 1;
    return name.includes(wanted) ? 2 : 3;
  };
  return chats
    .map((chat) => ({ chat, rank: rank(chat) }))
    .filter((ranked) => ranked.rank < 3)
    .sort((one, other) => one.rank - other.rank)
    .map((ranked) => ranked.chat);
}

export function chatName(chat: ChatView): string {
  if (chat.saved) return 'Saved messages';
  // The key of a name may come later than the group.
  return chat.title ?? (chat.kind === 'channel' ? 'Channel' : 'New group');
}
