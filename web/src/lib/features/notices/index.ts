/** What a person has to know: thin lines, and pages for when nothing else can be shown. */
export { default as Broken } from './Broken.svelte';
export { default as Lines } from './Lines.svelte';
export { default as Removed } from './Removed.svelte';
