import { sameDay } from '../../format/time';
import type { LossView, MessageView } from '../../protocol/generated';

/** Messages of one author within this time stand together. */
export const GROUP_MS = 5 * 60 * 1000;

/** A row of the timeline as it is drawn: a message with what stands above it and how it joins its neighbours. */
export interface Row {
  message: MessageView;
  /** A new day begins here. */
  day: boolean;
  /** The unread line stands above. */
  unread: boolean;
  /** Messages that are missing above. */
  missing: number;
  /** First and last of its group. */
  first: boolean;
  last: boolean;
  /** For messages that could not be opened: how many stand here as one, with the ones before. */
  closed: number;
}

/** How messages stand on the screen. */
export function layOut(messages: readonly MessageView[], unreadFrom: string | null): Row[] {
  const rows: Row[] = [];
  for (const message of messages) {
    const before = rows.at(-1);
    const day = !before || !sameDay(before.message.sent_at, message.sent_at);
    const unread = message.id === unreadFrom;
    const missing = message.missing_before;
    const broken = day || unread || missing > 0;
    if (before && !broken && joinsClosed(before.message, message)) {
      before.message = message;
      before.closed += 1;
      continue;
    }
    const first = broken || !joins(before.message, message);
    if (before && !first) before.last = false;
    const closed = closedKind(message) === null ? 0 : 1;
    rows.push({ message, day, unread, missing, first, last: true, closed });
  }
  return rows;
}

/** The rows of `next`, where one that is drawn as before stays the very same object, and is left alone. */
export function keepRows(before: readonly Row[], next: readonly Row[]): Row[] {
  const known = new Map(before.map((row) => [row.message.id, row]));
  return next.map((row) => {
    const old = known.get(row.message.id);
    return old && isSame(old, row) ? old : row;
  });
}

function isSame(one: Row, other: Row): boolean {
  return (
    one.message === other.message &&
    one.day === other.day &&
    one.unread === other.unread &&
    one.missing === other.missing &&
    one.first === other.first &&
    one.last === other.last &&
    one.closed === other.closed
  );
}

function joins(one: MessageView, other: MessageView): boolean {
  return (
    one.mine === other.mine &&
    (one.mine || one.author === other.author) &&
    inBubble(one) &&
    inBubble(other) &&
    Math.abs(other.sent_at - one.sent_at) < GROUP_MS
  );
}

function joinsClosed(one: MessageView, other: MessageView): boolean {
  const kind = closedKind(one);
  return kind !== null && kind === closedKind(other) && one.author === other.author;
}

/** Why a message that could not be opened stands closed; null for all others. */
function closedKind({ body }: MessageView): LossView | 'unopened' | null {
  switch (body.type) {
    case 'unopened':
      return 'unopened';
    case 'lost':
      return body.why;
    default:
      return null;
  }
}

/** What people said stands in bubbles; what happened stands as a line between them. */
export function inBubble({ body }: MessageView): boolean {
  return body.type === 'text' || body.type === 'poll' || body.type === 'deleted';
}

/** A message that hangs from another one and is read beside the timeline. */
export function inThread(message: MessageView): boolean {
  return message.thread !== null && message.thread.root !== message.id;
}
