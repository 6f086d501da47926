/**
 * The place of a timeline on the screen. Its box is laid out from the bottom (`column-reverse`), so the browser itself
 * keeps the newest message in view when the window, the composer or the text grows; `scrollTop` is 0 there and
 * negative above.
 */
export class Scroller {
  #anchor: { key: string; top: number } | null = null;
  readonly #box: HTMLElement;

  constructor(box: HTMLElement) {
    this.#box = box;
  }

  get toBottom(): number {
    return Math.max(0, -this.#box.scrollTop);
  }

  get toTop(): number {
    return this.#box.scrollHeight - this.#box.clientHeight - this.toBottom;
  }

  /** Before rows change: remembers the first visible one. */
  hold(): void {
    const edge = this.#box.getBoundingClientRect().top;
    for (const row of this.#rows()) {
      const place = row.getBoundingClientRect();
      if (place.bottom <= edge) continue;
      this.#anchor = { key: row.dataset['key'] ?? '', top: place.top };
      return;
    }
    this.#anchor = null;
  }

  /** After rows changed: puts the remembered row back where it was. */
  restore(): void {
    const anchor = this.#anchor;
    this.#anchor = null;
    if (!anchor) return;
    const row = this.#box.querySelector(`[data-key="${CSS.escape(anchor.key)}"]`);
    if (row) this.#box.scrollTop += row.getBoundingClientRect().top - anchor.top;
  }

  release(): void {
    this.#anchor = null;
  }

  toNewest(smooth = false): void {
    this.#box.scrollTo({ top: 0, behavior: smooth ? 'smooth' : 'instant' });
  }

  /** Brings an element to the upper part of the box. */
  reveal(element: Element): void {
    const box = this.#box.getBoundingClientRect();
    this.#box.scrollTop += element.getBoundingClientRect().top - (box.top + box.height * 0.2);
  }

  /** The unread line is above what is visible. */
  isAbove(element: Element | null): boolean {
    return !!element && element.getBoundingClientRect().bottom < this.#box.getBoundingClientRect().top;
  }

  /** The last message of somebody else that is visible to its end. */
  lastSeen(mine: (id: string) => boolean): string | null {
    const edge = this.#box.getBoundingClientRect().bottom + 4;
    for (const row of this.#rows().reverse()) {
      const id = row.dataset['id'];
      if (id !== undefined && row.getBoundingClientRect().bottom <= edge && !mine(id)) return id;
    }
    return null;
  }

  #rows(): HTMLElement[] {
    return [...this.#box.querySelectorAll<HTMLElement>('article')];
  }
}
