import { preference } from '../../platform/browser';

export type ThemeChoice = 'system' | 'light' | 'dark';

/** Light or dark: as the system has it, or as chosen here. `public/theme.js` does the same before the first paint. */
export class Theme {
  choice = $state<ThemeChoice>('system');
  readonly #light = matchMedia('(prefers-color-scheme: light)');

  constructor() {
    const kept = preference.read('theme');
    this.choice = kept === 'light' || kept === 'dark' ? kept : 'system';
  }

  /** Follows the system and other tabs; the returned function ends it. */
  start(): () => void {
    const system = () => this.#apply();
    const tabs = (event: StorageEvent) => {
      if (event.key !== 'conclave.theme') return;
      this.choice = event.newValue === 'light' || event.newValue === 'dark' ? event.newValue : 'system';
      this.#apply();
    };
    this.#light.addEventListener('change', system);
    window.addEventListener('storage', tabs);
    this.#apply();
    return () => {
      this.#light.removeEventListener('change', system);
      window.removeEventListener('storage', tabs);
    };
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    preference.write('theme', choice === 'system' ? null : choice);
    this.#apply();
  }

  #apply(): void {
    const system = this.#light.matches ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = this.choice === 'system' ? system : this.choice;
  }
}
