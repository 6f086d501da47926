import './lib/styles/index.css';

import { mount } from 'svelte';

import App from './routes/App.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('The page has no place for the app.');

mount(App, {
  target,
  // The engine with its worker and WASM comes after the first paint, in a file of its own.
  props: { open: async () => (await import('./lib/engine')).createCore() },
});
