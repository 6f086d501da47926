import type { MemberView, PlaceView } from '../../protocol/generated';
import { may, memberName } from './words';

/** What may be done with a member, in the order of the menu. */
export type MemberAct = 'message' | 'roles' | 'nickname' | 'mute' | 'unmute' | 'remove' | 'ban' | 'transfer';

/** What the own account may do with a member. Nobody does anything to whoever stands as high as they do. */
export function memberActs(
  place: PlaceView,
  member: MemberView,
  own: string | null,
  now: number,
): MemberAct[] {
  const self = member.account === own;
  const below = member.below_me && !self;
  const muted = member.muted_until !== null && member.muted_until > now;
  const acts: MemberAct[] = [];
  if (!self && member.username !== null) acts.push('message');
  if ((below || (self && place.is_owner)) && may(place, 'manage_roles') && rolesToGive(place).length > 0)
    acts.push('roles');
  if (self ? may(place, 'change_nickname') : below && may(place, 'manage_nicknames')) acts.push('nickname');
  if (below && may(place, 'timeout')) acts.push(muted ? 'unmute' : 'mute');
  if (below && may(place, 'kick')) acts.push('remove');
  if (below && may(place, 'ban')) acts.push('ban');
  if (!self && place.is_owner) acts.push('transfer');
  return acts;
}

/** Roles below the own one, that of everyone aside. */
export function rolesToGive(place: PlaceView): PlaceView['roles'] {
  return place.roles.filter((role) => role.role !== 0 && (place.is_owner || role.rank < place.rank));
}

/** Members whose name or handle has a word that begins so; all where nothing is typed. */
export function findMembers(members: readonly MemberView[], typed: string): MemberView[] {
  const wanted = typed.trim().replace(/^@/u, '').toLowerCase();
  if (wanted === '') return [...members];
  return members.filter((member) =>
    [memberName(member), member.username ?? '']
      .flatMap((name) => name.toLowerCase().split(/[\s._-]+/u))
      .concat(memberName(member).toLowerCase())
      .some((word) => word.startsWith(wanted)),
  );
}

/** Channels as they are listed: those of no category first, then each category with its own. */
export function channelGroups(
  place: PlaceView,
): { category: PlaceView['categories'][number] | null; channels: PlaceView['channels'] }[] {
  const inOrder = place.channels.toSorted(
    (one, other) => one.position - other.position || one.channel - other.channel,
  );
  const known = new Set(place.categories.map((category) => category.category));
  const loose = inOrder.filter((channel) => channel.category === null || !known.has(channel.category));
  const groups = place.categories
    .toSorted((one, other) => one.position - other.position || one.category - other.category)
    .map((category) => ({
      category,
      channels: inOrder.filter((channel) => channel.category === category.category),
    }));
  return [...(loose.length > 0 ? [{ category: null, channels: loose }] : []), ...groups];
}
