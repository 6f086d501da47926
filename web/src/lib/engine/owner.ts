/**
 * One tab owns the engine. All tabs ask for the same lock, and the browser gives it to the next one when its holder
 * closes, crashes or is killed, so there is never none for long and never two.
 *
 * Tabs and owner speak over channels of this origin: one for what all hear, one into the owner, one to each tab, so
 * that a password or recovery words pass only from the tab that has them to the owner, and back.
 */
import type { Failure } from '../protocol/generated';
import type { Answer, Call } from './calls';
import type { CoreEvent, StorageKind } from './core';
import type { Engine, EngineListener } from './core-worker';

/** What every tab hears. */
export type Shared =
  /** A tab looks for the owner. */
  | { type: 'hello' }
  /** The owner tells itself, and since when it is. */
  | { type: 'owner'; owner: string; since: number; storage: StorageKind }
  | { type: 'events'; owner: string; events: CoreEvent[] };
/** What the owner hears. */
export interface Asked {
  tab: string;
  number: number;
  call: Call;
}
/** What a tab hears. */
export interface Answered {
  number: number;
  answer: Answer;
}

export const channels = {
  shared: (space: string) => new BroadcastChannel(space),
  owner: (space: string, owner: string) => new BroadcastChannel(`${space}/owner/${owner}`),
  tab: (space: string, tab: string) => new BroadcastChannel(`${space}/tab/${tab}`),
};

/** Channels to tabs that are kept open; a tab that was quiet for longer gets a new one. */
const TABS_MAX = 64;

/** What the owning tab itself hears. */
export interface OwnerListener {
  opened(engine: Engine, since: number, storage: StorageKind): void;
  answered(number: number, answer: Answer): void;
  happened(events: CoreEvent[]): void;
}

/** How the owner starts the engine. */
export type StartEngine = (listener: EngineListener) => Engine;

/**
 * Waits until this tab is the owner, then serves all tabs until it is closed. Resolves with a failure when the engine
 * cannot be opened here; the next tab then tries itself.
 */
export function own(
  space: string,
  tab: string,
  start: StartEngine,
  listener: OwnerListener,
  signal: AbortSignal,
): Promise<Failure | null> {
  return navigator.locks.request(space, { signal }, () => serve(space, tab, start, listener, signal));
}

async function serve(
  space: string,
  tab: string,
  start: StartEngine,
  listener: OwnerListener,
  signal: AbortSignal,
): Promise<Failure | null> {
  const since = Date.now();
  const shared = channels.shared(space);
  const asked = channels.owner(space, tab);
  const tabs = new Tabs(space);
  const over = Promise.withResolvers<Failure | null>();
  let opened: StorageKind | null = null;
  const announce = () => {
    if (opened) shared.postMessage({ type: 'owner', owner: tab, since, storage: opened } satisfies Shared);
  };
  const engine = start({
    opened(storage) {
      opened = storage;
      listener.opened(engine, since, storage);
      announce();
    },
    failed: over.resolve,
    answered(to, number, answer) {
      if (to === tab) listener.answered(number, answer);
      else tabs.tell(to, { number, answer });
    },
    happened(events) {
      listener.happened(events);
      shared.postMessage({ type: 'events', owner: tab, events } satisfies Shared);
    },
  });
  shared.onmessage = ({ data }: MessageEvent<Shared>) => {
    if (data.type === 'hello') announce();
  };
  asked.onmessage = ({ data }: MessageEvent<Asked>) => engine.call(data.tab, data.number, data.call);
  signal.addEventListener('abort', () => over.resolve(null));
  try {
    return await over.promise;
  } finally {
    engine.close();
    shared.close();
    asked.close();
    tabs.close();
  }
}

/** The channels to the other tabs, the latest used last. */
class Tabs {
  readonly #space: string;
  readonly #open = new Map<string, BroadcastChannel>();

  constructor(space: string) {
    this.#space = space;
  }

  tell(tab: string, message: Answered): void {
    const channel = this.#open.get(tab) ?? channels.tab(this.#space, tab);
    this.#open.delete(tab);
    this.#open.set(tab, channel);
    channel.postMessage(message);
    for (const [oldest, old] of this.#open) {
      if (this.#open.size <= TABS_MAX) break;
      old.close();
      this.#open.delete(oldest);
    }
  }

  close(): void {
    for (const channel of this.#open.values()) channel.close();
  }
}
