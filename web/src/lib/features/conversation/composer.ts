/** Longest text of a message, in bytes of UTF-8. */
export const TEXT_MAX = 16 * 1024;
/** From here on the composer says how much is left. */
const TEXT_NEAR = TEXT_MAX - 512;

export type KeyAction = 'send' | 'newline' | 'none';

/** What a key press in the composer does. */
export function composerKey(
  press: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'altKey' | 'ctrlKey' | 'metaKey' | 'isComposing'>,
  touch: boolean,
): KeyAction {
  if (press.key !== 'Enter') return 'none';
  // Enter chooses a word while an input method composes it.
  if (press.isComposing) return 'none';
  if (press.ctrlKey || press.metaKey) return 'send';
  if (press.shiftKey || press.altKey || touch) return 'newline';
  return 'send';
}

/** Bytes that are left, once it is worth saying; negative when the text is too long. */
export function bytesLeft(text: string): number | null {
  // A character has at most three bytes per unit, so short texts need no counting.
  if (text.length * 3 < TEXT_NEAR) return null;
  const bytes = new TextEncoder().encode(text).length;
  return bytes < TEXT_NEAR ? null : TEXT_MAX - bytes;
}

/** A begun text is kept on the disk when typing rests so long. */
const REST_MS = 800;

/**
 * Texts that were begun and not sent. Here they are in memory; the engine keeps those of chats sealed, on all devices
 * of the account. Texts in threads stay with the page.
 */
export class Drafts {
  readonly #texts = new Map<string, string>();
  /** What the engine has, as far as it is known here. */
  readonly #kept = new Map<string, string>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** Rooms whose text was typed on this page: nothing that another page or device does takes it away. */
  readonly #typed = new Set<string>();
  readonly #save: (room: string, text: string | null) => Promise<void>;

  constructor(save: (room: string, text: string | null) => Promise<void> = () => Promise.resolve()) {
    this.#save = save;
  }

  read(room: string): string {
    return this.#texts.get(room) ?? '';
  }

  write(room: string, text: string): void {
    if (text === '') this.#texts.delete(room);
    else this.#texts.set(room, text);
    if (text === '') this.#typed.delete(room);
    else this.#typed.add(room);
    clearTimeout(this.#timers.get(room));
    this.#timers.delete(room);
    if (room.includes('/') || (this.#kept.get(room) ?? '') === text) return;
    // What was sent is gone at once, also elsewhere.
    this.#timers.set(
      room,
      setTimeout(() => void this.#keep(room), text === '' ? 0 : REST_MS),
    );
  }

  /** The engine says what it has of a room. True where that takes the place of what is here. */
  offer(room: string, kept: string | null): boolean {
    const known = this.#kept.get(room) ?? '';
    const text = kept ?? '';
    if (this.#timers.has(room) || text === known) return false;
    this.#kept.set(room, text);
    if (this.read(room) !== known || this.#typed.has(room)) return false;
    if (text === '') this.#texts.delete(room);
    else this.#texts.set(room, text);
    return true;
  }

  /** What waits for typing to rest is kept now. */
  flush(): void {
    for (const room of [...this.#timers.keys()]) void this.#keep(room);
  }

  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#texts.clear();
    this.#typed.clear();
    this.#kept.clear();
  }

  async #keep(room: string): Promise<void> {
    clearTimeout(this.#timers.get(room));
    this.#timers.delete(room);
    const text = this.read(room);
    const before = this.#kept.get(room);
    this.#kept.set(room, text);
    try {
      await this.#save(room, text === '' ? null : text);
    } catch {
      // It stays on the page, and is kept with what is typed next.
      if (this.#kept.get(room) === text) {
        if (before === undefined) this.#kept.delete(room);
        else this.#kept.set(room, before);
      }
    }
  }
}
