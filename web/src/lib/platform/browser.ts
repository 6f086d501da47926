/** Doors to the browser that screens need and tests replace. */

/** Puts a text on the clipboard; `false` where the browser refuses, so that the caller can say what to do instead. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Hands a text to the browser as a download. */
export function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A whole address for a link of ours, to hand to somebody else. */
export function absolute(link: string): string {
  const at = link.indexOf('#');
  return `${location.origin}${location.pathname}${at < 0 ? link : link.slice(at)}`;
}

/** Somebody looks at this page right now. */
export function attended(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}

/** A finger, not a mouse: Enter makes a new line there, as in every other app with a screen keyboard. */
export function touchFirst(): boolean {
  return typeof matchMedia === 'function' && matchMedia('(pointer: coarse)').matches;
}

/** Resolves after the browser painted what was just drawn. */
export function painted(): Promise<void> {
  return new Promise((resolve) => {
    const done = () => setTimeout(resolve, 0);
    // A tab in the background never paints; it shall start all the same.
    if (document.visibilityState === 'hidden') done();
    else requestAnimationFrame(done);
  });
}

/** A small preference of this browser. Never what somebody wrote. */
export const preference = {
  read(key: string): string | null {
    try {
      return localStorage.getItem(`conclave.${key}`);
    } catch {
      return null;
    }
  },
  write(key: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(`conclave.${key}`);
      else localStorage.setItem(`conclave.${key}`, value);
    } catch {
      // Storage is closed to this page: the preference holds until it is closed.
    }
  },
};
