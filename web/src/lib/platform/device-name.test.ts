import { expect, test } from 'vitest';

import { suggestedName } from './device-name';

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
    'Edge on Windows',
  ],
  ['something else', 'Browser'],
])('%s is %s', (userAgent, name) => {
  expect(suggestedName({ userAgent })).toBe(name);
});

test('a browser that tells its brands is named by them', () => {
  const userAgent =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
  const brands = [{ brand: 'Not=A?Brand' }, { brand: 'Chromium' }];
  expect(suggestedName({ userAgent, userAgentData: { brands, platform: 'Linux' } })).toBe(
    'Chromium on Linux',
  );
  expect(
    suggestedName({
      userAgent,
      userAgentData: { brands: [...brands, { brand: 'Brave' }], platform: 'macOS' },
    }),
  ).toBe('Brave on macOS');
});
