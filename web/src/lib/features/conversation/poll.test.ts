import { describe, expect, test } from 'vitest';

import { choicesAfter, pollOf, shareOf } from './poll';

const poll = (multiple: boolean, ...mine: boolean[]) => ({
  multiple,
  options: mine.map((one) => ({ mine: one })),
});

describe('voting', () => {
  test('one answer replaces the other where one may be chosen', () => {
    expect(choicesAfter(poll(false, true, false), 1)).toEqual([1]);
  });

  test('answers add up where several may be chosen', () => {
    expect(choicesAfter(poll(true, false, true, false), 0)).toEqual([0, 1]);
  });

  test('pressing what is chosen takes it back', () => {
    expect(choicesAfter(poll(false, true, false), 0)).toEqual([]);
    expect(choicesAfter(poll(true, true, true), 1)).toEqual([0]);
  });

  test('a share of nobody is none', () => {
    expect([shareOf(0, 0), shareOf(1, 3), shareOf(3, 3)]).toEqual([0, 33, 100]);
  });
});

describe('asking', () => {
  test('a question and two answers make a poll; empty lines fall away', () => {
    expect(pollOf(' When? ', ['Friday', ' ', ' Saturday'])).toEqual({
      question: 'When?',
      options: ['Friday', 'Saturday'],
    });
  });

  test('without a question, with one answer, or with one answer twice it makes none', () => {
    expect(pollOf(' ', ['a', 'b'])).toBeNull();
    expect(pollOf('When?', ['a', ''])).toBeNull();
    expect(pollOf('When?', ['a', 'A'])).toBeNull();
  });
});
