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
    const rows = this.#rows();
    const row = rows[this.#endingBelow(rows, this.#box.getBoundingClientRect().top)];
    this.#anchor = row ? { key: row.dataset['key'] ?? '', top: row.getBoundingClientRect().top } : null;
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
    const rows = this.#rows();
    const end = this.#endingBelow(rows, this.#box.getBoundingClientRect().bottom + 4);
    for (let at = end - 1; at >= 0; at -= 1) {
      const id = rows[at]?.dataset['id'];
      if (id !== undefined && !mine(id)) return id;
    }
    return null;
  }

  /** The first row that ends below a height. Rows stand in order, so half of them is left after each look. */
  #endingBelow(rows: HTMLElement[], height: number): number {
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((rows[middle]?.getBoundingClientRect().bottom ?? Infinity) > height) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #rows(): HTMLElement[] {
    return [...this.#box.querySelectorAll<HTMLElement>('article')];
  }
}
