/** A new device: it waits until another device of the account approves it. */
export { default as LinkElsewhere } from './LinkElsewhere.svelte';
export { default as Waiting } from './Waiting.svelte';
export { provideJoining } from './context';
export { Joining } from './joining.svelte';
