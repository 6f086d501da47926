import { createContext } from 'svelte';

import type { People } from './people.svelte';

/** How people's identities stand, for every screen below the one that provides it. */
export const [usePeople, providePeople] = createContext<People>();
