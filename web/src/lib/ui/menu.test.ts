import { describe, expect, test } from 'vitest';

import { placeBeside } from './menu';

const box = { width: 200, height: 300 };
const window = { width: 1000, height: 700 };

describe('where a menu stands', () => {
  test('below, with the right edges together', () => {
    expect(placeBeside({ left: 480, right: 512, top: 100, bottom: 132 }, box, window)).toEqual({
      left: 312,
      top: 136,
    });
  });

  test('above where there is no room below', () => {
    expect(placeBeside({ left: 480, right: 512, top: 600, bottom: 632 }, box, window)).toEqual({
      left: 312,
      top: 296,
    });
  });

  test('at the pointer, from its place to the right', () => {
    expect(placeBeside({ left: 50, right: 50, top: 60, bottom: 60 }, box, window)).toEqual({
      left: 50,
      top: 64,
    });
  });

  test('never out of the window, however small it is', () => {
    const { left, top } = placeBeside({ left: 5, right: 9, top: 60, bottom: 90 }, box, {
      width: 210,
      height: 200,
    });
    expect([left, top]).toEqual([8, 8]);
  });
});
