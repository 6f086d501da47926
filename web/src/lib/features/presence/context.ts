import { createContext } from 'svelte';

import type { Signals } from './signals.svelte';

/** Who is there and who writes, for every screen below the one that provides it. */
export const [useSignals, provideSignals] = createContext<Signals>();
