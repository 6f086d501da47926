import { describe, expect, test } from 'vitest';

import { FakeCore } from '../../../dev/fake-core';
import { rankChats } from './chats.svelte';
import { NewChat } from './new-chat.svelte';
import { preview } from './preview';

describe('finding a chat by its name', () => {
  const core = new FakeCore().signedIn('jonas');
  const chats = ['tamia', 'mia', 'anna.mia', 'paul', 'jonas'].map((name) => core.chat(name));
  const names = (typed: string) => rankChats(chats, typed).map((chat) => chat.title);

  test('beginnings come first, then later words, then places inside', () => {
    expect(names('mi')).toEqual(['mia', 'anna.mia', 'tamia']);
  });

  test('without a word the order of the list stays', () => {
    expect(names(' ')).toEqual(['tamia', 'mia', 'anna.mia', 'paul', 'jonas']);
  });

  test('the own notes are found by what they are called', () => {
    expect(names('saved')).toEqual(['jonas']);
  });
});

describe('starting a chat', () => {
  function started() {
    const core = new FakeCore().signedIn('jonas');
    core.person('mia');
    return { core, chat: new NewChat(core) };
  }

  test('a name is looked up as the server stores it', async () => {
    const { core, chat } = started();
    chat.typed = ' @Mia';
    await chat.find();
    expect(core.calls.at(-1)).toEqual(['findPerson', 'mia', null]);
    expect(chat.person?.username).toBe('mia');
    expect(await chat.open()).toBe('room-mia');
  });

  test('a pasted contact link has to fit the account that the server names', async () => {
    const { chat } = started();
    chat.typed = 'https://chat.example/#/contact/mia/account-eve';
    await chat.find();
    expect(chat.person).toBeNull();
    expect(chat.failure?.code).toBe('link_mismatch');
  });

  test('somebody unknown is told in words', async () => {
    const { chat } = started();
    chat.typed = 'nobody';
    await chat.find();
    expect(chat.failure?.message).toContain('Nobody here has that name');
  });

  test.each(['mia keller', 'https://chat.example/#/invite/abc', 'https://example.org'])(
    '%s is no name and asks nobody',
    async (typed) => {
      const { core, chat } = started();
      chat.typed = typed;
      await chat.find();
      expect(chat.failure).not.toBeNull();
      expect(core.calls.filter(([goal]) => goal === 'findPerson')).toEqual([]);
    },
  );

  test('what was found goes when something else is typed', async () => {
    const { chat } = started();
    chat.typed = 'mia';
    await chat.find();
    chat.changed();
    expect(await chat.open()).toBeNull();
  });
});

test('the last line of a chat is one line', () => {
  const core = new FakeCore().signedIn('jonas');
  const message = core.put(core.chat('mia'), { text: 'one\n\n  two\tthree ' });
  expect(preview(message)).toBe('one two three');
});
