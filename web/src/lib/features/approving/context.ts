import { createContext } from 'svelte';

import type { Approvals } from './approvals.svelte';

/** What waits for approval, for the screens that show it. */
export const [useApprovals, provideApprovals] = createContext<Approvals>();
