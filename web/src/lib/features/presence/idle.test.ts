import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { IDLE_AFTER, watchIdle } from './idle';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('ten minutes without a touch are idle, and the next touch is not', () => {
  const target = new EventTarget();
  const said: boolean[] = [];
  const end = watchIdle(target, (active) => said.push(active));
  vi.advanceTimersByTime(IDLE_AFTER - 1_000);
  target.dispatchEvent(new Event('keydown'));
  expect(said, 'said again once in a while').toEqual([true]);
  vi.advanceTimersByTime(IDLE_AFTER - 1);
  expect(said).toEqual([true]);
  vi.advanceTimersByTime(1);
  expect(said).toEqual([true, false]);
  target.dispatchEvent(new Event('pointermove'));
  target.dispatchEvent(new Event('pointermove'));
  expect(said).toEqual([true, false, true]);
  end();
  vi.advanceTimersByTime(2 * IDLE_AFTER);
  target.dispatchEvent(new Event('keydown'));
  expect(said).toEqual([true, false, true]);
});
