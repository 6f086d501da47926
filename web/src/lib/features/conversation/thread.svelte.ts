import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { Failure, MessageView } from '../../protocol/generated';
import { keepSame } from './position';
import type { TimelineSource } from './timeline.svelte';

/** The messages of one thread, its root first, as the engine last told them. */
export class Thread {
  readonly room: string;
  readonly root: string;
  /** `null` until the first answer. */
  messages = $state.raw<MessageView[] | null>(null);
  failure = $state.raw<Failure | null>(null);

  readonly #source: TimelineSource;
  readonly #query = new Refresher(() => this.#read());

  constructor(source: TimelineSource, room: string, root: string) {
    this.#source = source;
    this.room = room;
    this.root = root;
  }

  start(): () => void {
    void this.refresh();
    return this.#source.listen((event) => {
      const concerns = event.type === 'owner' || (event.type === 'timeline' && event.room === this.room);
      if (concerns) void this.refresh();
    });
  }

  refresh(): Promise<void> {
    return this.#query.ask();
  }

  async send(text: string, mentions: string[]): Promise<void> {
    const given = { thread: this.root, ...(mentions.length > 0 ? { mentions } : {}) };
    await this.#source.core.sendText(this.room, text, given);
    await this.refresh();
  }

  async #read(): Promise<void> {
    try {
      this.messages = keepSame(this.messages ?? [], await this.#source.core.listThread(this.root));
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }
}
