/** The recovery key: shown once, kept by the person, and the way back with it. */
export { default as RecoverPage } from './RecoverPage.svelte';
export { default as RecoveryCard } from './RecoveryCard.svelte';
