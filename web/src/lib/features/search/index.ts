/** Finding messages on this device. */
export { default as SearchPanel } from './SearchPanel.svelte';
export { Search } from './search.svelte';
