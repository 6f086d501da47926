import { createContext } from 'svelte';

import type { Acts } from './acts.svelte';
import type { Drafts } from './composer';

/** Begun texts of all rooms, for as long as the page is open. */
export const [useDrafts, provideDrafts] = createContext<Drafts>();

/** What is done with the messages of the open room. */
export const [useActs, provideActs] = createContext<Acts>();
