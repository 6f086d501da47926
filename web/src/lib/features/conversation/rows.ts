import { sameDay } from '../../format/time';
import type { MessageView } from '../../protocol/generated';

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
  unopened: number;
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
    if (before && !broken && joinsUnopened(before.message, message)) {
      before.message = message;
      before.unopened += 1;
      continue;
    }
    const first = broken || !joins(before.message, message);
    if (before && !first) before.last = false;
    const unopened = message.body.type === 'unopened' ? 1 : 0;
    rows.push({ message, day, unread, missing, first, last: true, unopened });
  }
  return rows;
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

function joinsUnopened(one: MessageView, other: MessageView): boolean {
  return one.body.type === 'unopened' && other.body.type === 'unopened' && one.author === other.author;
}

/** Texts stand in bubbles; what happened stands as a line between them. */
export function inBubble(message: MessageView): boolean {
  return message.body.type === 'text';
}
