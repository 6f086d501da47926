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

/** Texts that were begun and not sent. In memory only: what somebody writes is never stored in the clear. */
export class Drafts {
  readonly #texts = new Map<string, string>();

  read(room: string): string {
    return this.#texts.get(room) ?? '';
  }

  write(room: string, text: string): void {
    if (text === '') this.#texts.delete(room);
    else this.#texts.set(room, text);
  }

  clear(): void {
    this.#texts.clear();
  }
}
