/// <reference types="vitest/config" />
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/** `vite build --mode gallery` builds the gallery of screens instead of the app; it never ships. */
export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  // Component tests need Svelte's browser build.
  resolve: process.env['VITEST'] ? { conditions: ['browser'] } : {},
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    outDir: mode === 'gallery' ? '../test-results/gallery/site' : 'dist',
    emptyOutDir: true,
    // Inlined files would be data: URLs, which the policy allows for images alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: mode === 'gallery' ? 'gallery.html' : 'index.html' },
  },
  server: { proxy: { '/api': { target: 'http://127.0.0.1:8080', ws: true } } },
  test: {
    environment: 'jsdom',
    // Beyond what a component test waits for on a busy machine.
    testTimeout: 20_000,
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/dev/test-setup.ts'],
    reporters: ['default', './src/dev/count-reporter.ts'],
  },
}));
