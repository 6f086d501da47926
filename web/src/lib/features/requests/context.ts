import { createContext } from 'svelte';

import type { Contacts } from './contacts.svelte';

/** Who is blocked and what people are called here, for every screen below the one that provides it. */
export const [useContacts, provideContacts] = createContext<Contacts>();
