import { createContext } from 'svelte';

import type { Drafts } from './composer';

/** Begun texts of all rooms, for as long as the page is open. */
export const [useDrafts, provideDrafts] = createContext<Drafts>();
