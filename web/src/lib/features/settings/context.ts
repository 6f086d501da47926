import { createContext } from 'svelte';

import type { Theme } from './theme.svelte';

/** The theme, for the settings page. */
export const [useTheme, provideTheme] = createContext<Theme>();
