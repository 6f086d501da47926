import type { PlaceView } from '../../protocol/generated';
import { may } from './words';

/** What the panel of a place is made of. */
export type Page =
  'people' | 'invites' | 'requests' | 'texts' | 'roles' | 'channels' | 'policy' | 'bans' | 'end';

export interface PageLine {
  page: Page;
  title: string;
  count: number | null;
  danger: boolean;
}

/** The pages that a person has something to do with, in order. */
export function pagesOf(place: PlaceView): PageLine[] {
  const pages: PageLine[] = [];
  const add = (page: Page, title: string, count: number | null = null, danger = false) =>
    pages.push({ page, title, count: count === 0 ? null : count, danger });
  const inside = place.state.type === 'member';
  if (inside && place.requests.length > 0 && may(place, 'approve'))
    add('requests', 'Asked to join', place.requests.length);
  add('people', 'People', place.members);
  if (may(place, 'invite') || may(place, 'manage_invites'))
    add('invites', 'Invite links', place.invites.length);
  if (may(place, 'change_metadata')) add('texts', 'Name and topic');
  if (place.kind === 'community' && may(place, 'manage_channels'))
    add('channels', 'Channels', place.channels.length);
  if (may(place, 'manage_roles')) add('roles', 'Roles', place.roles.length);
  if (may(place, 'manage_place')) add('policy', 'Settings');
  if (may(place, 'ban')) add('bans', 'Banned', place.bans.length);
  if (inside || place.state.type === 'waiting')
    add('end', place.is_owner ? 'Hand over or close' : 'Leave', null, true);
  return pages;
}
