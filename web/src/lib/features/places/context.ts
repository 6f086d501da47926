import { createContext } from 'svelte';

import type { Places } from './places.svelte';

/** Groups and communities, for every screen below the one that provides them. */
export const [usePlaces, providePlaces] = createContext<Places>();
