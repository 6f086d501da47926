import type { Attachment } from 'svelte/attachments';

import { type Spot, spotOf } from '../../ui';

/** How long a finger rests before the menu opens. */
const LONG_PRESS_MS = 450;
/** A finger that moves further scrolls. */
const STILL_PX = 10;

export interface Gestured {
  /** The message under the pointer or with the focus in it; null for none. */
  active: (id: string | null) => void;
  menu: (id: string, at: Spot) => void;
}

/** Pointer, finger and menu key on the messages of a list, heard in one place for all of them. */
export function gestures(on: Gestured): Attachment<HTMLElement> {
  return (box) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let from: { x: number; y: number } | null = null;

    const rest = () => {
      clearTimeout(timer);
      from = null;
    };

    const over = (event: PointerEvent) => {
      if (event.pointerType === 'touch') return;
      on.active(articleOf(event.target)?.dataset['id'] ?? null);
    };

    const leave = () => {
      const focused = document.activeElement;
      on.active(focused && box.contains(focused) ? (articleOf(focused)?.dataset['id'] ?? null) : null);
    };

    const focus = (event: FocusEvent) => {
      const article = articleOf(event.target);
      if (article && (article.matches(':focus-visible') || event.target !== article))
        on.active(article.dataset['id'] ?? null);
    };

    const down = (event: PointerEvent) => {
      rest();
      const article = articleOf(event.target);
      const id = article?.dataset['id'];
      if (event.pointerType !== 'touch' || !article || id === undefined || isControl(event.target)) return;
      from = { x: event.clientX, y: event.clientY };
      timer = setTimeout(() => on.menu(id, spotOf(article)), LONG_PRESS_MS);
    };

    const move = (event: PointerEvent) => {
      if (from && Math.hypot(event.clientX - from.x, event.clientY - from.y) > STILL_PX) rest();
    };

    const context = (event: MouseEvent) => {
      const article = articleOf(event.target);
      const id = article?.dataset['id'];
      if (!article || id === undefined || isControl(event.target)) return;
      // Who marked a text wants the browser's menu.
      if (getSelection()?.isCollapsed === false) return;
      event.preventDefault();
      rest();
      const { clientX: x, clientY: y } = event;
      const keyboard = x === 0 && y === 0;
      on.menu(id, keyboard ? spotOf(article) : { left: x, right: x, top: y, bottom: y });
    };

    box.addEventListener('pointerover', over);
    box.addEventListener('pointerleave', leave);
    box.addEventListener('focusin', focus);
    box.addEventListener('pointerdown', down);
    box.addEventListener('pointermove', move);
    box.addEventListener('pointerup', rest);
    box.addEventListener('pointercancel', rest);
    box.addEventListener('contextmenu', context);
    return () => {
      rest();
      box.removeEventListener('pointerover', over);
      box.removeEventListener('pointerleave', leave);
      box.removeEventListener('focusin', focus);
      box.removeEventListener('pointerdown', down);
      box.removeEventListener('pointermove', move);
      box.removeEventListener('pointerup', rest);
      box.removeEventListener('pointercancel', rest);
      box.removeEventListener('contextmenu', context);
    };
  };
}

function articleOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>('article[data-id]') : null;
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('a, button, input, textarea, pre') !== null;
}
