import { createContext } from 'svelte';

import type { Device } from './device.svelte';

/** The device, for every screen below the one that provides it. */
export const [useDevice, provideDevice] = createContext<Device>();
