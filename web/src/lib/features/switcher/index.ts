/** Ctrl K: jump to a chat. */
export { default as Switcher } from './Switcher.svelte';
