import { spokenTime } from '../../format/time';
import { noticeWords } from '../../format/notices';
import { count } from '../../format/words';
import type { DeliveryView, LossView, MessageView } from '../../protocol/generated';

/** A message as a screen reader says it: "Mia: text, today 6:53 PM". */
export function spoken(message: MessageView, name: string, now: number, closed = 1): string {
  const who = message.mine ? 'You' : name;
  const state = deliveryWord(message.delivery);
  const told = `${who}: ${bodyWords(message, closed)}, ${spokenTime(message.sent_at, now)}`;
  return state === null ? told : `${told}, ${state}`;
}

/** What a message says, in words. */
export function bodyWords(message: MessageView, closed = 1): string {
  switch (message.body.type) {
    case 'text':
      return message.body.text;
    case 'unsupported':
      return 'This message needs a newer version of Conclave';
    case 'unopened':
      return closed === 1
        ? 'This message could not be opened yet and was asked for again'
        : `${count(closed, 'message')} could not be opened yet and were asked for again`;
    case 'lost':
      return lostWords(message.body.why, closed);
    case 'restored_here':
      return 'This device was restored from an older copy here';
    case 'poll':
      return `Poll: ${message.body.question}`;
    case 'deleted':
      return message.body.by_author ? 'This message was deleted' : 'This message was deleted by a moderator';
    case 'timer':
      return message.body.seconds === 0
        ? 'Messages no longer disappear here'
        : 'New messages disappear after a while here';
    case 'notice':
      return noticeWords(message.body.notice, 'Somebody');
  }
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
