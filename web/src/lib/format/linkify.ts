/** A piece of a message's text: plain, or a link to a web page. */
export type Token = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

const CANDIDATE = /\bhttps?:\/\/[\p{L}\p{N}[][^\s<>"'`\p{Cc}]*/giu;

/**
 * Cuts a text into plain pieces and links. Joining the pieces' texts gives the text again, so nothing that somebody
 * wrote is ever hidden; and only `http` and `https` become links.
 */
export function linkify(text: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const shown = trimSentence(match[0]);
    const href = safeHref(shown);
    if (href === null) continue;
    if (match.index > end) tokens.push({ kind: 'text', text: text.slice(end, match.index) });
    tokens.push({ kind: 'link', text: shown, href });
    end = match.index + shown.length;
  }
  if (end < text.length) tokens.push({ kind: 'text', text: text.slice(end) });
  return tokens;
}

const PAIRS: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/** Marks that end a sentence, and a closing bracket without its opening one, do not belong to the address. */
function trimSentence(candidate: string): string {
  const counts = new Map<string, number>();
  for (const mark of candidate) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  let end = candidate.length;
  for (; end > 0; end -= 1) {
    const last = candidate.charAt(end - 1);
    const opening = PAIRS[last];
    const closed = counts.get(last) ?? 0;
    const unmatched = opening !== undefined && closed > (counts.get(opening) ?? 0);
    if (!unmatched && !/[.,;:!?…*_~]/u.test(last)) break;
    counts.set(last, closed - 1);
  }
  return candidate.slice(0, end);
}

function safeHref(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const web = url.protocol === 'https:' || url.protocol === 'http:';
  // A name before the host ("https://bank.com@evil.com") shows one place and leads to another.
  return web && url.hostname !== '' && url.username === '' && url.password === '' ? url.href : null;
}
