/** The addresses of the app, all in the fragment: it never reaches the server. */
export type Route =
  | { page: 'start' }
  | { page: 'setup'; token: string }
  | { page: 'invite'; token: string }
  | { page: 'contact'; username: string; account: string }
  | { page: 'link'; code: string }
  | { page: 'verify'; username: string; account: string; code: string }
  | { page: 'join'; code: string }
  | { page: 'community'; place: string }
  | { page: 'sign-in' }
  | { page: 'recover' }
  | { page: 'reset' }
  | { page: 'chats'; room: string | null }
  | { page: 'settings' }
  | { page: 'unknown' };

export function parseRoute(hash: string): Route {
  const parts = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  const [page, first, second, third] = parts;
  if (page === undefined) return { page: 'start' };
  if (page === 'setup' && first !== undefined) return { page, token: first };
  if (page === 'invite' && first !== undefined) return { page, token: first };
  if (page === 'join' && first !== undefined) return { page, code: first };
  if (page === 'community' && first !== undefined) return { page, place: first };
  if (page === 'link' && first !== undefined) return { page, code: first };
  if (page === 'contact' && first !== undefined && second !== undefined)
    return { page, username: first, account: second };
  if (page === 'verify' && first !== undefined && second !== undefined && third !== undefined)
    return { page, username: first, account: second, code: third };
  if (page === 'sign-in' || page === 'recover' || page === 'reset' || page === 'settings') return { page };
  if (page === 'chats') return { page, room: first ?? null };
  return { page: 'unknown' };
}

export const href = {
  start: '#/',
  signIn: '#/sign-in',
  recover: '#/recover',
  reset: '#/reset',
  chats: '#/chats',
  settings: '#/settings',
  chat: (room: string) => `#/chats/${encodeURIComponent(room)}`,
  invite: (token: string) => `#/invite/${encodeURIComponent(token)}`,
  setup: (token: string) => `#/setup/${encodeURIComponent(token)}`,
  join: (code: string) => `#/join/${encodeURIComponent(code)}`,
  community: (place: string) => `#/community/${encodeURIComponent(place)}`,
  link: (code: string) => `#/link/${encodeURIComponent(code)}`,
  verify: (username: string, account: string, code: string) =>
    `#/verify/${encodeURIComponent(username)}/${encodeURIComponent(account)}/${encodeURIComponent(code)}`,
  contact: (username: string, account: string) =>
    `#/contact/${encodeURIComponent(username)}/${encodeURIComponent(account)}`,
};

/** What a pasted link leads to, whether it came whole or without its host. */
export function parseLink(pasted: string): Route | null {
  const text = pasted.trim();
  const at = text.indexOf('#/');
  if (at < 0) return null;
  const route = parseRoute(text.slice(at));
  return route.page === 'unknown' || route.page === 'start' ? null : route;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
