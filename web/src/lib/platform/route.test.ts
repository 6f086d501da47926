import { describe, expect, test } from 'vitest';

import { href, parseLink, parseRoute } from './route';

describe('addresses', () => {
  test('every address that we make is read again', () => {
    expect(parseRoute(href.chat('a/b+c='))).toEqual({ page: 'chats', room: 'a/b+c=' });
    expect(parseRoute(href.invite('t-_0'))).toEqual({ page: 'invite', token: 't-_0' });
    expect(parseRoute(href.setup('t'))).toEqual({ page: 'setup', token: 't' });
    expect(parseRoute(href.link('c-_0'))).toEqual({ page: 'link', code: 'c-_0' });
    expect(parseRoute(href.join('c-_0'))).toEqual({ page: 'join', code: 'c-_0' });
    expect(parseRoute(href.community('p-_0'))).toEqual({ page: 'community', place: 'p-_0' });
    expect(parseRoute(href.recover)).toEqual({ page: 'recover' });
    expect(parseRoute(href.contact('mia', 'id'))).toEqual({
      page: 'contact',
      username: 'mia',
      account: 'id',
    });
    expect(parseRoute(href.settings)).toEqual({ page: 'settings' });
    expect(parseRoute(href.signIn)).toEqual({ page: 'sign-in' });
    expect(parseRoute(href.chats)).toEqual({ page: 'chats', room: null });
    expect(parseRoute('')).toEqual({ page: 'start' });
  });

  test.each(['#/nowhere', '#/invite', '#/contact/mia', '#/setup/', '#/link/'])('%s leads nowhere', (hash) => {
    expect(parseRoute(hash)).toEqual({ page: 'unknown' });
  });

  test('a broken percent sign in a link breaks nothing', () => {
    expect(parseRoute('#/invite/%E0%A4%A')).toEqual({ page: 'invite', token: '%E0%A4%A' });
  });

  test('a pasted link is read with and without its host', () => {
    expect(parseLink(' https://chat.example/#/invite/abc ')).toEqual({ page: 'invite', token: 'abc' });
    expect(parseLink('#/contact/mia/id')).toEqual({ page: 'contact', username: 'mia', account: 'id' });
    expect(parseLink('https://chat.example/')).toBeNull();
    expect(parseLink('mia')).toBeNull();
  });
});
