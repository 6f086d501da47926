/** What opens the history of an account: the recovery key, another device, and, where it is switched on, the password. */
export { default as HistoryWays } from './HistoryWays.svelte';
export { isStrong } from './strength';
