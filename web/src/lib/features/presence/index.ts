/** Who is there, who writes, and what the person chose about both and about receipts. */
export { provideSignals, useSignals } from './context';
export { default as PresenceDot } from './PresenceDot.svelte';
export { default as PrivacyChoices } from './PrivacyChoices.svelte';
export { Signals } from './signals.svelte';
export { default as StatusButton } from './StatusButton.svelte';
export { default as TypingLine } from './TypingLine.svelte';
export { presenceWords } from './words';
