/** What the server says to everybody: a banner that is plainly the server's. */
export { default as ServerBanner } from './ServerBanner.svelte';
