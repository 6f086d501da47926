// The choice of the settings page (src/lib/features/settings/theme.svelte.ts), before anything is painted.
(() => {
  let choice = null;
  try {
    choice = localStorage.getItem('conclave.theme');
  } catch {
    // Storage is closed to this page; the system's theme is right then.
  }
  const system = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  document.documentElement.dataset.theme = choice === 'light' || choice === 'dark' ? choice : system;
})();
