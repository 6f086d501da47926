import Archive from '@lucide/svelte/icons/archive';
import ArchiveRestore from '@lucide/svelte/icons/archive-restore';
import Ban from '@lucide/svelte/icons/ban';
import AtSign from '@lucide/svelte/icons/at-sign';
import Bell from '@lucide/svelte/icons/bell';
import BellOff from '@lucide/svelte/icons/bell-off';
import Check from '@lucide/svelte/icons/check';
import Mail from '@lucide/svelte/icons/mail';
import MailOpen from '@lucide/svelte/icons/mail-open';
import Star from '@lucide/svelte/icons/star';
import StarOff from '@lucide/svelte/icons/star-off';
import Trash from '@lucide/svelte/icons/trash-2';

import type { ChatChange, ChatView, PersonChange } from '../../protocol/generated';
import type { MenuItem } from '../../ui';

export type ChatAct =
  | 'favourite'
  | 'mute'
  | 'unmute'
  | 'level'
  | 'archive'
  | 'unread'
  | 'read'
  | 'block'
  | 'unblock'
  | 'accept'
  | 'delete';
export type MuteFor = 'hour' | 'hours' | 'week' | 'forever';

const HOUR = 60 * 60 * 1000;
/** The last moment that a browser knows: for good. */
export const MUTED_FOREVER = 8_640_000_000_000_000;
const LENGTHS: Record<MuteFor, number> = { hour: HOUR, hours: 8 * HOUR, week: 7 * 24 * HOUR, forever: 0 };

/** What may be done with a chat in the list. */
export function chatItems(chat: ChatView): MenuItem<ChatAct>[] {
  if (chat.request) return [...REQUEST_ITEMS];
  const items: MenuItem<ChatAct>[] = [
    chat.favourite
      ? { id: 'favourite', label: 'Remove from favourites', icon: StarOff }
      : { id: 'favourite', label: 'Add to favourites', icon: Star },
    isUnread(chat)
      ? { id: 'read', label: 'Mark as read', icon: MailOpen }
      : { id: 'unread', label: 'Mark as unread', icon: Mail },
    chat.muted_until === null
      ? { id: 'mute', label: 'Mute…', icon: BellOff }
      : { id: 'unmute', label: 'Unmute', icon: Bell },
  ];
  if (chat.place)
    items.push(
      chat.level === 'mentions'
        ? { id: 'level', label: 'Tell me of every message', icon: Bell }
        : { id: 'level', label: 'Tell me of mentions alone', icon: AtSign },
    );
  items.push(
    chat.archived
      ? { id: 'archive', label: 'Take out of the archive', icon: ArchiveRestore, apart: true }
      : { id: 'archive', label: 'Archive', icon: Archive, apart: true },
  );
  if (chat.kind === 'direct' && !chat.saved)
    items.push(
      chat.blocked
        ? { id: 'unblock', label: 'Unblock', icon: Ban }
        : { id: 'block', label: 'Block', icon: Ban, danger: true },
    );
  return items;
}

/** What may be done with a request: nothing but to decide. */
const REQUEST_ITEMS: readonly MenuItem<ChatAct>[] = [
  { id: 'accept', label: 'Accept', icon: Check },
  { id: 'delete', label: 'Delete', icon: Trash },
  { id: 'block', label: 'Block', icon: Ban, danger: true, apart: true },
];

/** How long a chat may be silent. */
export const MUTE_ITEMS: readonly MenuItem<MuteFor>[] = [
  { id: 'hour', label: 'For 1 hour' },
  { id: 'hours', label: 'For 8 hours' },
  { id: 'week', label: 'For 1 week' },
  { id: 'forever', label: 'Until I unmute it' },
];

/** What an item sets; `null` where it asks for more, or is no setting. */
export function changeOf(chat: ChatView, act: ChatAct): ChatChange | null {
  switch (act) {
    case 'favourite':
      return { favourite: !chat.favourite };
    case 'unmute':
      return { muted_until: 0 };
    case 'level':
      return { level: chat.level === 'mentions' ? 'everything' : 'mentions' };
    case 'archive':
      return { archived: !chat.archived };
    case 'unread':
      return { marked_unread: true };
    case 'mute':
    case 'read':
    case 'block':
    case 'unblock':
    case 'accept':
    case 'delete':
      return null;
  }
}

/** What an item sets of the chat's person; `null` where it is about something else. */
export function personChangeOf(act: ChatAct): PersonChange | null {
  switch (act) {
    case 'block':
    case 'unblock':
      return { blocked: act === 'block' };
    case 'accept':
      return { accepted: true };
    default:
      return null;
  }
}

export function muteChange(length: MuteFor, now: number): ChatChange {
  return { muted_until: length === 'forever' ? MUTED_FOREVER : now + LENGTHS[length] };
}

export function isUnread(chat: ChatView): boolean {
  return chat.unread > 0 || chat.marked_unread;
}
