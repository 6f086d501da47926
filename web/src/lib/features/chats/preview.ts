import { noticeWords } from '../../format/notices';
import type { MessageView } from '../../protocol/generated';

/** The last line of a chat in one line of plain words. */
export function preview(message: MessageView): string {
  const { body } = message;
  if (message.blocked) return 'Message of somebody you blocked';
  switch (body.type) {
    case 'text':
      return body.text.replace(/\s+/gu, ' ').trim();
    case 'unsupported':
      return 'Needs a newer version of Conclave';
    case 'unopened':
      return 'Could not be opened yet';
    case 'lost':
      return body.why === 'sent_here' ? 'Sent before this device was restored' : 'Could not be opened';
    case 'restored_here':
      return 'This device was restored';
    case 'identity_changed':
      return 'Has a new identity';
    case 'poll':
      return `Poll: ${body.question}`;
    case 'deleted':
      return 'Message deleted';
    case 'timer':
      return body.seconds === 0 ? 'Messages no longer disappear' : 'New messages disappear';
    case 'notice':
      return noticeWords(body.notice, message.author, {
        nameOf: () => 'Somebody',
        own: message.mine ? message.author : null,
      });
  }
}
