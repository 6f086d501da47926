/** Nobody touched anything for so long: nobody is there. */
export const IDLE_AFTER = 10 * 60 * 1000;
/** Whoever is there is said so again after this: another tab may have said otherwise. */
const AGAIN_AFTER = 60 * 1000;
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const;

/** Says whether somebody is there, when that changes; the returned function ends it. */
export function watchIdle(target: EventTarget, say: (active: boolean) => void): () => void {
  let said = Date.now();
  let timer = setTimeout(leave, IDLE_AFTER);
  let idle = false;

  function leave() {
    idle = true;
    say(false);
  }

  function touch() {
    clearTimeout(timer);
    timer = setTimeout(leave, IDLE_AFTER);
    const now = Date.now();
    if (!idle && now - said < AGAIN_AFTER) return;
    idle = false;
    said = now;
    say(true);
  }

  for (const sign of SIGNS) target.addEventListener(sign, touch, { passive: true });
  return () => {
    clearTimeout(timer);
    for (const sign of SIGNS) target.removeEventListener(sign, touch);
  };
}
