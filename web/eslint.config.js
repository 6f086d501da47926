import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

import svelteConfig from './svelte.config.js';

/** The tiers: `routes` compose `features`, `features` use `ui`, `ui` knows nothing of ours. */
const forbid = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });
const wasm = {
  regex: '(^|/)wasm(/|$)',
  message: 'The WASM module is imported by the worker alone.',
};
const dev = { regex: '(^|/)dev/', message: 'What serves development does not ship.' };
const routes = { regex: '(^|/)routes(/|$)', message: 'Nothing below the routes knows them.' };
const otherFeature = {
  regex: '^\\.\\./(?!\\.\\.)[^/]+/.+|/features/[^/]+/.+',
  message: 'Features meet only through their index.ts.',
};
const generated = {
  regex: 'protocol/generated/.+',
  message: 'Import types from protocol/generated.',
};

export default ts.config(
  { ignores: ['dist/', 'src/lib/protocol/generated/', 'src/lib/engine/wasm/'] },
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      globals: globals.browser,
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js'] },
        extraFileExtensions: ['.svelte'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // It does not see that other code runs during an await.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
    rules: {
      'svelte/no-at-html-tags': 'error',
      'svelte/button-has-type': 'error',
      'svelte/no-target-blank': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'SvelteAttribute[key.name="style"]',
          message: 'The policy of the page refuses style attributes: use a class, or a style: directive.',
        },
      ],
      // Local sets of a function are no state.
      'svelte/prefer-svelte-reactivity': 'off',
      // The types of components come from svelte-check; this parser sees them as any.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
  { files: ['src/**'], rules: forbid(wasm, dev, generated) },
  {
    files: ['src/lib/ui/**'],
    rules: forbid({ regex: '^\\.\\./|^\\$|^/', message: '`ui` imports nothing of ours.' }),
  },
  {
    files: ['src/lib/{platform,format}/**'],
    rules: forbid(wasm, dev, routes, generated, { regex: 'features/' }),
  },
  { files: ['src/lib/features/**'], rules: forbid(wasm, dev, routes, generated, otherFeature) },
  {
    files: ['src/routes/**'],
    rules: forbid(wasm, dev, generated, { ...otherFeature, regex: 'features/[^/]+/.+' }),
  },
  {
    files: ['src/lib/engine/**', 'src/dev/**', 'src/**/*.test.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['*.js', '*.ts', 'public/*.js', 'scripts/**', 'e2e/**'],
    ...ts.configs.disableTypeChecked,
  },
  {
    files: ['scripts/**', 'e2e/**', '*.ts'],
    languageOptions: { globals: globals.node },
    rules: { 'no-console': 'off' },
  },
);
