import { describe, expect, test } from 'vitest';

import { begunMention, completeMention, cutMentions, mentionedIn, rankPeople } from './mentions';

const people = ['mia', 'anna.mia', 'paul', 'mirko'].map((username) => ({
  account: `a-${username}`,
  username,
}));

describe('typing a mention', () => {
  test('an @ at the beginning of a word begins one', () => {
    expect(begunMention('hi @mi', 6)).toEqual({ start: 3, typed: 'mi' });
    expect(begunMention('@', 1)).toEqual({ start: 0, typed: '' });
    expect(begunMention('(@pa', 4)).toEqual({ start: 1, typed: 'pa' });
  });

  test('an @ within a word, or with a space behind, begins none', () => {
    expect(begunMention('mia@example', 11)).toBeNull();
    expect(begunMention('@mia ', 5)).toBeNull();
  });

  test('who fits is offered, beginnings first', () => {
    expect(rankPeople(people, 'mi').map((person) => person.username)).toEqual(['mia', 'mirko', 'anna.mia']);
    expect(rankPeople(people, 'zz')).toEqual([]);
  });

  test('completing replaces what was typed and leaves the rest', () => {
    expect(completeMention('hi @mi there', { start: 3, typed: 'mi' }, 'mia')).toEqual({
      text: 'hi @mia there',
      cursor: 8,
    });
  });
});

describe('mentions in a text', () => {
  test('the pieces give the text again, and only known people are mentioned', () => {
    const text = '@mia and @nobody, or (@paul). x@mia.org';
    const pieces = cutMentions(text, people);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    expect(pieces.filter((piece) => piece.person).map((piece) => piece.text)).toEqual(['@mia', '@paul']);
  });

  test('a full stop behind a name is none of it', () => {
    expect(mentionedIn('Ask @anna.mia.', people)).toEqual(['a-anna.mia']);
  });

  test('somebody who is mentioned twice is named once', () => {
    expect(mentionedIn('@mia @Mia', people)).toEqual(['a-mia']);
  });
});
