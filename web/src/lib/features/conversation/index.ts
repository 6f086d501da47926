/** One chat: its messages and the field to write in. */
export { Drafts } from './composer';
export { provideDrafts } from './context';
export { default as Conversation } from './Conversation.svelte';
