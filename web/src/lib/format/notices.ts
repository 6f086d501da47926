import type { NoticeView } from '../protocol/generated';
import { fullTime } from './time';

/** How the people of a notice are called; the own account is "you". */
export interface Naming {
  nameOf: (account: string) => string;
  own: string | null;
}

/** What the log of a group or community says that happened, as one sentence. `author` did it. */
export function noticeWords(notice: NoticeView, author: string, naming: Naming): string {
  const by = subject(author, naming);
  switch (notice.type) {
    case 'created':
      return `${by} began it`;
    case 'joined':
      return joinedWords(notice.account, notice.how, author, naming);
    case 'left':
      return `${subject(notice.account, naming)} left`;
    case 'removed':
      return `${by} removed ${object(notice.account, naming)}${because(notice.reason)}`;
    case 'banned':
      return `${by} banned ${object(notice.account, naming)}${because(notice.reason)}`;
    case 'unbanned':
      return `${by} lifted the ban of ${object(notice.account, naming)}`;
    case 'muted':
      return notice.until === 0
        ? `${by} let ${object(notice.account, naming)} write again`
        : `${by} muted ${object(notice.account, naming)} until ${fullTime(notice.until)}${because(notice.reason)}`;
    case 'roles_changed':
      return rolesWords(notice.given, notice.taken, by, object(notice.account, naming));
    case 'renamed':
      return notice.title === null ? `${by} changed the name` : `${by} changed the name to “${notice.title}”`;
    case 'topic_changed':
      return notice.topic === null ? `${by} changed the topic` : `${by} set the topic: ${notice.topic}`;
    case 'description_changed':
      return `${by} changed the description`;
    case 'icon_changed':
      return `${by} changed the icon`;
    case 'nickname_changed':
      return nicknameWords(notice.account, notice.nickname, author, naming);
    case 'policy_changed':
      return `${by} changed the settings`;
    case 'channel_created':
      return `${by} made this channel`;
    case 'channel_changed':
      return `${by} changed this channel`;
    case 'channel_deleted':
      return `${by} deleted this channel`;
    case 'owner_changed':
      return `${subject(notice.to, naming)} ${notice.to === naming.own ? 'own' : 'owns'} it now, after ${object(notice.from, naming)}`;
    case 'closed':
      return `${by} closed it`;
    case 'other':
      return 'Something changed that this version does not know';
  }
}

function subject(account: string, { nameOf, own }: Naming): string {
  return account === own ? 'You' : nameOf(account);
}

function object(account: string, { nameOf, own }: Naming): string {
  return account === own ? 'you' : nameOf(account);
}

function because(reason: string | null): string {
  return reason === null || reason === '' ? '' : `: ${reason}`;
}

function joinedWords(
  account: string,
  how: 'invited' | 'approved' | 'added',
  author: string,
  naming: Naming,
): string {
  switch (how) {
    case 'invited':
      return `${subject(account, naming)} joined by an invite`;
    case 'approved':
      return `${subject(author, naming)} let ${object(account, naming)} in`;
    case 'added':
      return `${subject(author, naming)} added ${object(account, naming)}`;
  }
}

function rolesWords(given: string[], taken: string[], by: string, whom: string): string {
  const parts = [
    given.length > 0 ? `gave ${whom} the role ${given.join(', ')}` : '',
    taken.length > 0 ? `took the role ${taken.join(', ')} from ${whom}` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? `${by} changed the roles of ${whom}` : `${by} ${parts.join(' and ')}`;
}

function nicknameWords(account: string, nickname: string | null, author: string, naming: Naming): string {
  if (account === author)
    return nickname === null
      ? `${subject(account, naming)} gave up the nickname here`
      : `${subject(account, naming)} will be called “${nickname}” here`;
  const whom = object(account, naming);
  return nickname === null
    ? `${subject(author, naming)} took the nickname from ${whom}`
    : `${subject(author, naming)} called ${whom} “${nickname}” here`;
}
