import type { PersonView } from '../../protocol/generated';

/** Most that the list under the field offers. */
const OFFERED_MAX = 6;
/** A handle after an @ that begins a word. */
const MENTION = /(?<![\p{L}\p{N}_.@-])@([a-z][a-z0-9._-]*[a-z0-9])/giu;

/** A begun mention before the cursor. */
export interface BegunMention {
  /** Where its @ stands. */
  start: number;
  /** What was typed behind it. */
  typed: string;
}

/** The mention that is being typed at the cursor, if any. */
export function begunMention(text: string, cursor: number): BegunMention | null {
  const before = text.slice(0, cursor);
  const match = /(?:^|[\s([{"'])@([\p{L}\p{N}._-]{0,32})$/u.exec(before);
  if (!match) return null;
  const typed = match[1] ?? '';
  return { start: cursor - typed.length - 1, typed };
}

/** Who fits what was typed, the best first. */
export function rankPeople(people: readonly PersonView[], typed: string): PersonView[] {
  const wanted = typed.toLowerCase();
  const rank = ({ username }: PersonView) => {
    if (username.startsWith(wanted)) return 0;
    return username.split(/[._-]/u).some((part) => part.startsWith(wanted)) ? 1 : 2;
  };
  return people
    .map((person) => ({ person, rank: rank(person) }))
    .filter((one) => one.rank < 2)
    .sort((one, other) => one.rank - other.rank || one.person.username.localeCompare(other.person.username))
    .slice(0, OFFERED_MAX)
    .map((one) => one.person);
}

/** The text with a begun mention completed, and where the cursor stands then. */
export function completeMention(
  text: string,
  begun: BegunMention,
  username: string,
): { text: string; cursor: number } {
  const head = `${text.slice(0, begun.start)}@${username} `;
  const tail = text.slice(begun.start + 1 + begun.typed.length);
  return { text: head + tail.replace(/^ /u, ''), cursor: head.length };
}

/** A piece of a text: a mention of somebody known, or what stands between. */
export interface Piece {
  text: string;
  person: PersonView | null;
}

/** Cuts a text at the mentions of known people; joined, the pieces give the text again. */
export function cutMentions(text: string, people: readonly PersonView[]): Piece[] {
  if (people.length === 0 || !text.includes('@')) return text === '' ? [] : [{ text, person: null }];
  const byName = new Map(people.map((person) => [person.username, person]));
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(MENTION)) {
    const person = byName.get((match[1] ?? '').toLowerCase());
    if (!person) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), person: null });
    pieces.push({ text: match[0], person });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), person: null });
  return pieces;
}

/** Accounts that a text mentions, each once. */
export function mentionedIn(text: string, people: readonly PersonView[]): string[] {
  const accounts = cutMentions(text, people).flatMap((piece) => (piece.person ? [piece.person.account] : []));
  return [...new Set(accounts)];
}
