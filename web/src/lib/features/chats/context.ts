import { createContext } from 'svelte';

import type { Chats } from './chats.svelte';

/** The list of chats, for every screen below the one that provides it. */
export const [useChats, provideChats] = createContext<Chats>();
