import type { Core } from '../../engine/core';
import type { Naming } from '../../format/notices';
import type { MessageView, PersonView } from '../../protocol/generated';
import type { Spot } from '../../ui';
import { copyText } from '../../platform/browser';
import type { Action } from './actions';
import type { People } from './people';

/** How long a deletion can be taken back before it is done. */
export const UNDO_MS = 6000;

/** What stands beside the messages. */
export type Panel = { type: 'thread'; root: string } | { type: 'pins' } | { type: 'about' };

/** What stands above them and wants an answer. */
export type Asked =
  { type: 'forward' | 'history' | 'reactions' | 'report'; message: MessageView } | { type: 'poll' };

/** What the acts need of the room's timeline. */
export interface ActsOn {
  readonly room: string;
  readonly core: Core;
  /** Does a goal and shows why it did not come about. */
  act(goal: () => Promise<unknown>): Promise<void>;
}

/**
 * What somebody does with the messages of a room: which one is answered, edited, looked at, and the deletion that can
 * still be taken back.
 */
export class Acts {
  readonly people: People;
  /** The own account. */
  readonly own: string | null;
  readonly ownName: string;
  /** The message that is answered with the next one. */
  replyTo = $state.raw<MessageView | null>(null);
  /** The message whose text is being edited in its place. */
  editing = $state.raw<string | null>(null);
  menu = $state.raw<{ message: MessageView; at: Spot; inThread: boolean } | null>(null);
  picker = $state.raw<{ message: MessageView; at: Spot } | null>(null);
  asked = $state.raw<Asked | null>(null);
  panel = $state.raw<Panel | null>(null);
  /** What is gone from the screen and not yet deleted. */
  leaving = $state.raw<{ message: MessageView; everyone: boolean } | null>(null);
  /** The message to bring into view; the timeline takes it. */
  wanted = $state.raw<string | null>(null);
  /** What is known of the other person, or of the notes, is looked at. */
  who = $state(false);
  /** Links in texts are text. */
  plainLinks = $state(false);
  /** Read out once. */
  told = $state('');

  readonly #on: ActsOn;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(on: ActsOn, people: People, own: PersonView | null) {
    this.#on = on;
    this.people = people;
    this.own = own?.account ?? null;
    this.ownName = own?.username ?? '';
  }

  get core(): Core {
    return this.#on.core;
  }

  get room(): string {
    return this.#on.room;
  }

  /** Who wrote a message, as it stands above it. */
  nameOf(message: MessageView): string {
    return message.mine ? 'You' : this.people.nameOf(message.author);
  }

  /** How sentences name people. */
  get naming(): Naming {
    return { nameOf: (account) => this.people.nameOf(account), own: this.own };
  }

  /** What is to be deleted is deleted when the room is left. */
  stop(): void {
    void this.#deleteNow();
  }

  /** Does what was chosen of a message's menu, bar or keys. */
  do(action: Action, message: MessageView, at: Spot, inThread = false): void {
    this.menu = null;
    switch (action) {
      case 'react':
        this.picker = { message, at };
        return;
      case 'reply':
        this.editing = null;
        this.replyTo = message;
        return;
      case 'thread':
        this.panel = { type: 'thread', root: message.thread?.root ?? message.id };
        return;
      case 'edit':
        this.editing = message.id;
        return;
      case 'copy':
        void this.#copy(message);
        return;
      case 'forward':
      case 'history':
      case 'report':
        this.asked = { type: action, message };
        return;
      case 'pin':
      case 'unpin':
        void this.#on.act(() => this.core.pin(message.id, action === 'pin'));
        return;
      case 'retry':
        void this.#on.act(() => this.core.retry(message.id));
        return;
      case 'discard':
        void this.#on.act(() => this.core.discard(message.id));
        return;
      case 'delete_for_me':
      case 'delete_for_everyone':
        this.#delete(message, action === 'delete_for_everyone');
        if (inThread && this.panel?.type === 'thread' && this.panel.root === message.id) this.panel = null;
    }
  }

  react(message: MessageView, emoji: string): void {
    const mine = message.reactions.some((reaction) => reaction.emoji === emoji && reaction.mine);
    this.menu = null;
    this.picker = null;
    void this.#on.act(() => this.core.react(message.id, emoji, !mine));
  }

  vote(message: MessageView, choices: number[]): void {
    void this.#on.act(() => this.core.vote(message.id, choices));
  }

  closePoll(message: MessageView): void {
    void this.#on.act(() => this.core.closePoll(message.id));
  }

  /** Rejects when the device could not keep the edit, so that nothing typed is lost. */
  async edit(message: MessageView, text: string): Promise<void> {
    if (message.body.type === 'text' && message.body.text !== text)
      await this.core.editMessage(message.id, text);
    this.editing = null;
  }

  undoDelete(): void {
    clearTimeout(this.#timer);
    this.leaving = null;
    this.told = 'The message is back';
  }

  #delete(message: MessageView, everyone: boolean): void {
    void this.#deleteNow();
    if (this.replyTo?.id === message.id) this.replyTo = null;
    this.leaving = { message, everyone };
    this.#timer = setTimeout(() => void this.#deleteNow(), UNDO_MS);
  }

  async #deleteNow(): Promise<void> {
    const { leaving } = this;
    clearTimeout(this.#timer);
    if (!leaving) return;
    await this.#on.act(() => this.core.deleteMessage(leaving.message.id, leaving.everyone));
    if (this.leaving === leaving) this.leaving = null;
  }

  async #copy(message: MessageView): Promise<void> {
    if (message.body.type !== 'text') return;
    const copied = await copyText(message.body.text);
    this.told = copied ? 'Copied' : 'The browser did not let it be copied. Select the text and press Ctrl C.';
  }
}
