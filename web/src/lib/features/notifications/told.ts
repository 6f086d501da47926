import type { ChatView, MessageView } from '../../protocol/generated';
import { chatName, preview } from '../chats';

/** Whether somebody is told of a message of others by what they set of its chat. What it says is known here alone. */
export function isTold(chat: ChatView, message: MessageView): boolean {
  if (message.mine || message.blocked || chat.blocked || chat.request) return false;
  if (chat.muted_until !== null) return false;
  if (chat.level === 'nothing') return false;
  return chat.level === 'everything' || message.mentions_me;
}

/** What is shown of it, with the name of its author. `names` where the person lets names and words be shown outside the app. */
export function shownOf(chat: ChatView, message: MessageView, author: string, names: boolean) {
  const { room } = chat;
  if (!names) return { room, title: 'New message', body: 'Open Conclave to read it.' };
  const name = chatName(chat);
  const words = preview(message);
  const body = chat.kind === 'direct' ? words : `${author}: ${words}`;
  return { room, title: name, body };
}

/** What of the chats the server has to know to leave the device asleep, in one text to compare. */
export function quietOf(chats: readonly ChatView[], blocked: readonly string[]): string {
  const quiet = chats
    .filter((chat) => chat.level !== 'everything' || chat.muted_until !== null)
    .map((chat) => `${chat.room} ${chat.level} ${chat.muted_until ?? 0}`);
  return [...quiet, ...blocked].toSorted().join('\n');
}
