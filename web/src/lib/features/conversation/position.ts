import type { MessageView, Position } from '../../protocol/generated';

/** Order in a timeline: what the server has placed by its sequence, then what waits, by its order here. */
export function comparePositions(one: Position, other: Position): number {
  if (one.sequence !== null && other.sequence !== null)
    return one.sequence - other.sequence || one.ordinal - other.ordinal;
  if (one.sequence !== null) return -1;
  if (other.sequence !== null) return 1;
  return one.ordinal - other.ordinal;
}

/**
 * The rows of `next`, where a row that did not change stays the very same object: what is on the screen is then left
 * alone.
 */
export function keepSame(before: readonly MessageView[], next: readonly MessageView[]): MessageView[] {
  const known = new Map(before.map((message) => [message.id, message]));
  return next.map((message) => {
    const old = known.get(message.id);
    if (!old || old === message) return message;
    return JSON.stringify(old) === JSON.stringify(message) ? old : message;
  });
}
