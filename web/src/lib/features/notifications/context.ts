import { createContext } from 'svelte';

import type { Notifications } from './notifications.svelte';

/** How it stands with being told of messages, for every screen below the one that provides it. */
export const [useNotifications, provideNotifications] = createContext<Notifications>();
