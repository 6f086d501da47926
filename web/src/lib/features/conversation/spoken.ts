import { durationWords } from '../../format/duration';
import { type Naming, noticeWords } from '../../format/notices';
import { spokenTime } from '../../format/time';
import { count } from '../../format/words';
import type {
  BodyView,
  DeliveryView,
  LossView,
  MessageView,
  QuoteView,
  ReactionView,
} from '../../protocol/generated';

/** Where nobody's name is known. */
const NAMELESS: Naming = { nameOf: () => 'Somebody', own: null };

/** Stands for what somebody said who is blocked. */
export const FOLDED = 'Message of somebody you blocked';

/** A message as a screen reader says it: "Mia: text, today 6:53 PM". */
export function spoken(
  message: MessageView,
  name: string,
  now: number,
  closed = 1,
  naming: Naming = NAMELESS,
): string {
  const body = bodyWords(message, closed, naming);
  if (isNotice(message.body)) return `${body}, ${spokenTime(message.sent_at, now)}`;
  const parts = [
    `${message.mine ? 'You' : name}: ${body}`,
    message.reply ? `reply to ${message.reply.username}: ${quoteWords(message.reply)}` : null,
    message.forwarded ? `forwarded from ${message.forwarded.username}` : null,
    spokenTime(message.sent_at, now),
    message.edited_at === null ? null : 'edited',
    message.pinned ? 'pinned' : null,
    message.reactions.length === 0 ? null : reactionsWords(message.reactions),
    message.thread && message.thread.root === message.id && message.thread.replies > 0
      ? count(message.thread.replies, 'reply', 'replies')
      : null,
    deliveryWord(message.delivery),
  ];
  return parts.filter((part) => part !== null).join(', ');
}

/** What a message says, in words. */
export function bodyWords(message: MessageView, closed = 1, naming: Naming = NAMELESS): string {
  const { body } = message;
  switch (body.type) {
    case 'text':
      return body.text;
    case 'unsupported':
      return 'This message needs a newer version of Conclave';
    case 'unopened':
      return closed === 1
        ? 'This message could not be opened yet and was asked for again'
        : `${count(closed, 'message')} could not be opened yet and were asked for again`;
    case 'lost':
      return lostWords(body.why, closed);
    case 'restored_here':
      return 'This device was restored from an older copy here';
    case 'identity_changed':
      return `${naming === NAMELESS ? 'This person' : naming.nameOf(message.author)} has a new identity. Usually that means that they lost their devices and started again`;
    case 'poll':
      return `Poll: ${body.question}, ${body.closed ? 'closed, ' : ''}${count(body.voters, 'person', 'people')} voted`;
    case 'deleted':
      return body.by_author ? 'This message was deleted' : 'This message was deleted by somebody who may';
    case 'timer':
      return timerNotice(body.seconds, message.mine ? 'You' : naming.nameOf(message.author));
    case 'notice':
      return noticeWords(body.notice, message.author, naming);
  }
}

/** What happened, and nobody said. */
export function isNotice(body: BodyView): boolean {
  return (
    body.type === 'notice' ||
    body.type === 'timer' ||
    body.type === 'restored_here' ||
    body.type === 'identity_changed'
  );
}

/** What a quote shows. */
export function quoteWords(quote: QuoteView): string {
  switch (quote.state) {
    case 'here':
      return quote.excerpt === '' ? 'A message' : quote.excerpt.replace(/\s+/gu, ' ');
    case 'missing':
      return 'This message is not on this device';
    case 'deleted':
      return 'This message was deleted';
    case 'blocked':
      return FOLDED;
  }
}

/** "mia, paul and 3 more" */
export function reactedBy(reaction: ReactionView, own: string | null): string {
  const names = reaction.people.filter((person) => person.account !== own).map((person) => person.username);
  const shown = reaction.mine ? ['you', ...names.slice(0, 7)] : names.slice(0, 8);
  const others = reaction.count - shown.length;
  if (others > 0 || shown.length < 2) return `${shown.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

function reactionsWords(reactions: readonly ReactionView[]): string {
  return `reactions: ${reactions.map((reaction) => `${reaction.emoji} ${reaction.count}`).join(', ')}`;
}

function timerNotice(seconds: number, who: string): string {
  return seconds === 0
    ? `${who} set new messages to stay`
    : `${who} set new messages to disappear after ${durationWords(seconds)}`;
}

function lostWords(why: LossView, lost: number): string {
  switch (why) {
    case 'too_old':
      return lost === 1
        ? 'This message could not be opened and is too old to be repeated'
        : `${count(lost, 'message')} could not be opened and are too old to be repeated`;
    case 'sent_here':
      return lost === 1
        ? 'A message that you sent before this device was restored'
        : `${count(lost, 'message')} that you sent before this device was restored`;
    case 'not_genuine':
      return lost === 1
        ? 'A message that is not genuine was refused here'
        : `${count(lost, 'message')} that are not genuine were refused here`;
    case 'key_not_given':
      return lost === 1
        ? 'This message could not be opened, and nobody has its key any more'
        : `${count(lost, 'message')} could not be opened, and nobody has their keys any more`;
  }
}

/** How far an own message got, in a word. */
export function deliveryWord(delivery: DeliveryView): string | null {
  switch (delivery.type) {
    case 'queued':
      return 'sending';
    case 'sent':
      return 'sent';
    case 'delivered':
      return 'delivered';
    case 'read':
      return 'read';
    case 'failed':
      return 'not sent';
    case 'received':
      return null;
  }
}

/** "2 messages are missing here" */
export function missingWords(missing: number): string {
  return missing === 1 ? '1 message is missing here' : `${count(missing, 'message')} are missing here`;
}
