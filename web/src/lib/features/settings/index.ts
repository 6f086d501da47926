/** Account, devices, appearance, invites, storage. */
export { provideTheme } from './context';
export { default as Settings } from './Settings.svelte';
export { Theme } from './theme.svelte';
