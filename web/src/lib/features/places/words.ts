import { durationWords } from '../../format/duration';
import { fullTime } from '../../format/time';
import { count } from '../../format/words';
import type {
  InviteView,
  MemberView,
  PlaceSort,
  PlaceStateView,
  PlaceView,
  PolicyForm,
  RoleView,
} from '../../protocol/generated';

/** "group", "community" */
export function kindWord(kind: PlaceSort): string {
  return kind === 'group' ? 'group' : 'community';
}

export function placeName(place: { title: string | null; kind: PlaceSort }): string {
  // The key of a name may come later than the place.
  return place.title ?? (place.kind === 'group' ? 'New group' : 'New community');
}

export function memberName(member: { nickname?: string | null; username: string | null }): string {
  return member.nickname ?? member.username ?? 'Somebody';
}

export function roleName(role: RoleView | undefined): string {
  if (!role) return 'Former role';
  return role.role === 0 ? 'Everyone' : (role.title ?? 'Role');
}

/** The roles of a member in words, the highest first. */
export function rolesWords(member: MemberView, roles: readonly RoleView[]): string {
  const names = roles.filter((role) => member.roles.includes(role.role)).map((role) => roleName(role));
  return [...(member.is_owner ? ['Owner'] : []), ...names].join(', ');
}

/** "2 uses left, until …, somebody has to agree" */
export function inviteWords(invite: InviteView, roles: readonly RoleView[]): string {
  const given = roles.filter((role) => invite.roles.includes(role.role)).map((role) => roleName(role));
  return [
    invite.uses_left === null ? 'Any number of people' : `${count(invite.uses_left, 'use')} left`,
    invite.expires === null ? 'never ends' : `until ${fullTime(invite.expires)}`,
    invite.approval ? 'somebody has to agree' : null,
    given.length === 0 ? null : `gives ${given.join(', ')}`,
  ]
    .filter((part) => part !== null)
    .join(' · ');
}

/** How a place is used, one line for each thing that is not as usual. */
export function policyLines(policy: PolicyForm): string[] {
  return [
    policy.history ? 'Newcomers read what was said before' : 'Newcomers read from when they join',
    policy.disappearing > 0 ? `Messages disappear after ${durationWords(policy.disappearing)}` : null,
    policy.slow_mode > 0 ? `One message each ${durationWords(policy.slow_mode)}` : null,
    policy.read_only ? 'Read-only' : null,
    policy.archived ? 'Put away' : null,
    policy.posting === null ? null : 'Some roles write, all read',
    policy.keep_nothing ? 'New devices get no history' : null,
  ].filter((line) => line !== null);
}

/** Why one is not in a place any more, or not yet; `null` for members. */
export function stateWords(state: PlaceStateView, kind: PlaceSort): string | null {
  const word = kindWord(kind);
  switch (state.type) {
    case 'member':
      return null;
    case 'waiting':
      return `You asked to join. Somebody who manages this ${word} has to agree.`;
    case 'left':
      return `You left this ${word}.`;
    case 'removed':
      return `You were removed from this ${word}${because(state.reason)}. What you had stays readable here.`;
    case 'banned':
      return `You were banned from this ${word}${because(state.reason)}. What you had stays readable here.`;
    case 'declined':
      return `You asked to join this ${word} and were not let in.`;
    case 'unlisted':
      return `The server does not list this ${word} for you any more and does not show why. Ask a member.`;
    case 'closed':
      return `This ${word} was closed. What you had stays readable here.`;
  }
}

/** Whether the own account has a permission. */
export function may(place: PlaceView, permission: string): boolean {
  return (
    place.state.type === 'member' &&
    place.disputed === null &&
    (place.is_owner || place.permissions.includes(permission))
  );
}

function because(reason: string | null): string {
  return reason === null || reason === '' ? '' : ` (“${reason}”)`;
}
