import { cleanup, configure } from '@testing-library/svelte';
import { afterEach, vi } from 'vitest';

// What comes in a file of its own takes a while on a busy machine.
configure({ asyncUtilTimeout: 8000 });

// What the test browser lacks and a real one has.
HTMLDialogElement.prototype.showModal = function () {
  this.open = true;
};
HTMLDialogElement.prototype.close = function () {
  this.open = false;
};
Element.prototype.scrollTo = vi.fn();
Element.prototype.scrollIntoView = vi.fn();
vi.stubGlobal('CSS', { escape: (text: string) => text.replace(/["\\]/g, '\\$&') });
vi.stubGlobal('matchMedia', (media: string) => ({
  matches: false,
  media,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
}));

afterEach(() => {
  cleanup();
  localStorage.clear();
  location.hash = '';
});
