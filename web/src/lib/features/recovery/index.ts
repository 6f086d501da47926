/** The recovery key: shown once, kept by the person. */
export { default as RecoveryCard } from './RecoveryCard.svelte';
