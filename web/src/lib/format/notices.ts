import type { NoticeView } from '../protocol/generated';

/** What the log of a group or community says that happened, in words; `name` tells who an account is. */
export function noticeWords(
  notice: NoticeView,
  by: string,
  name: (account: string) => string = () => 'Somebody',
): string {
  const because = (reason: string | null) => (reason ? `: ${reason}` : '');
  switch (notice.type) {
    case 'created':
      return `${by} began this`;
    case 'joined':
      if (notice.how === 'invited') return `${name(notice.account)} joined`;
      if (notice.how === 'approved') return `${by} let ${name(notice.account)} in`;
      return `${by} added ${name(notice.account)}`;
    case 'left':
      return `${name(notice.account)} left`;
    case 'removed':
      return `${by} removed ${name(notice.account)}${because(notice.reason)}`;
    case 'banned':
      return `${by} banned ${name(notice.account)}${because(notice.reason)}`;
    case 'unbanned':
      return `${by} lifted the ban of ${name(notice.account)}`;
    case 'muted':
      return notice.until === 0
        ? `${name(notice.account)} may write again`
        : `${by} silenced ${name(notice.account)} for a time${because(notice.reason)}`;
    case 'roles_changed':
      if (notice.taken.length === 0) return `${name(notice.account)} is now ${notice.given.join(', ')}`;
      if (notice.given.length === 0) return `${name(notice.account)} is no longer ${notice.taken.join(', ')}`;
      return `${by} changed the roles of ${name(notice.account)}`;
    case 'renamed':
      return notice.title === null ? `${by} changed the name` : `${by} changed the name to ${notice.title}`;
    case 'topic_changed':
      return notice.topic === null ? `${by} changed the topic` : `${by} changed the topic to ${notice.topic}`;
    case 'description_changed':
      return `${by} changed the description`;
    case 'icon_changed':
      return `${by} changed the picture`;
    case 'nickname_changed':
      return notice.nickname === null
        ? `${name(notice.account)} has no other name here any more`
        : `${name(notice.account)} is called ${notice.nickname} here`;
    case 'policy_changed':
      return `${by} changed how this is used`;
    case 'channel_created':
      return `${by} made this channel`;
    case 'channel_changed':
      return `${by} changed this channel`;
    case 'channel_deleted':
      return `${by} ended this channel`;
    case 'owner_changed':
      return `${name(notice.from)} handed this over to ${name(notice.to)}`;
    case 'closed':
      return `${by} closed this`;
    case 'other':
      return 'Something changed that needs a newer version of Conclave';
  }
}
