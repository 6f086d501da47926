import { expect, test } from 'vitest';

import { FakeCore } from '../../../dev/fake-core';
import type { DeviceView } from '../../protocol/generated';
import { seenWords } from './seen';

const NOW = new Date(2026, 10, 21, 18, 53).getTime();
const HOUR = 60 * 60 * 1000;

function words(change: Partial<DeviceView>): string {
  const [device] = new FakeCore().device('Phone', { this: false, ...change }).devices;
  return device ? seenWords(device, NOW) : '';
}

test('when a device was last there is said in words', () => {
  expect(words({ this: true })).toBe('This device');
  expect(words({ connected: true })).toBe('Connected now');
  expect(words({ connected: false, seen_at: null })).toBe('Not seen yet');
  expect(words({ connected: false, seen_at: NOW - HOUR })).toMatch(/^Last seen today 5:53/);
  expect(words({ connected: false, seen_at: NOW - 24 * 20 * HOUR })).toBe('Last seen Nov 1');
});

test('a device that is signed out is not called connected', () => {
  expect(words({ connected: true, signed_in: false, seen_at: null })).toBe('Signed out');
  expect(words({ signed_in: false, seen_at: NOW - HOUR })).toMatch(/^Signed out, last seen today/);
});
