import { expect, test } from 'vitest';

import { waitWords } from './reset.svelte';

test('a wait is said in minutes while it is short and then in hours', () => {
  expect(waitWords(1)).toBe('in 1 minute');
  expect(waitWords(12 * 60)).toBe('in 12 minutes');
  expect(waitWords(23 * 60 * 60)).toBe('in 23 hours');
});
