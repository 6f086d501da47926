import { createContext } from 'svelte';

import type { Joining } from './joining.svelte';

/** Becoming a device of an account, for the screens that offer it. */
export const [useJoining, provideJoining] = createContext<Joining>();
