/** The list of chats and how a chat begins. */
export { default as ChatList } from './ChatList.svelte';
export { default as NewChat } from './NewChat.svelte';
export { default as NoChat } from './NoChat.svelte';
export { Chats, chatName, rankChats } from './chats.svelte';
export { provideChats, useChats } from './context';
export { preview } from './preview';
