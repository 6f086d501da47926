import { expect, test } from 'vitest';

import { Refresher } from './refresher';

test('a hundred questions during a query cost one more query', async () => {
  let runs = 0;
  const open: (() => void)[] = [];
  const refresher = new Refresher(() => {
    runs += 1;
    return new Promise<void>((resolve) => open.push(resolve));
  });
  const asked = Array.from({ length: 100 }, () => refresher.ask());
  expect(runs).toBe(1);
  open.shift()?.();
  await Promise.resolve();
  await Promise.resolve();
  expect(runs).toBe(2);
  open.shift()?.();
  await Promise.all(asked);
  expect(runs).toBe(2);
});

test('after a failure it asks again', async () => {
  let runs = 0;
  const refresher = new Refresher(() => {
    runs += 1;
    return runs === 1 ? Promise.reject(new Error('no')) : Promise.resolve();
  });
  await expect(refresher.ask()).rejects.toThrow('no');
  await refresher.ask();
  expect(runs).toBe(2);
});
