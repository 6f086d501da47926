import { spokenTime } from '../../format/time';
import type { ChoicesView, PresenceView } from '../../protocol/generated';

type State = PresenceView['state'];

export const STATES: Record<State, string> = {
  online: 'Online',
  idle: 'Idle',
  do_not_disturb: 'Do not disturb',
  offline: 'Offline',
};

const SPANS = { day: 'a day', week: 'a week', month: 'a month' };

/** "Online", "Last seen today 6:53 PM", "Seen within a week"; `null` where nothing is known. */
export function presenceWords(presence: PresenceView | null, now: number): string | null {
  if (presence === null) return null;
  if (presence.state !== 'offline') return STATES[presence.state];
  if (presence.seen_at !== null) return `Last seen ${spokenTime(presence.seen_at, now)}`;
  return presence.seen_within === null ? null : `Seen within ${SPANS[presence.seen_within]}`;
}

/** "Ana is typing", "Ana and Ben are typing", "Ana, Ben and 2 others are typing"; `null` for nobody. */
export function typingWords(names: readonly string[]): string | null {
  const [first, second, ...rest] = names;
  if (first === undefined) return null;
  if (second === undefined) return `${first} is typing`;
  if (rest.length === 0) return `${first} and ${second} are typing`;
  return `${first}, ${second} and ${rest.length === 1 ? 'one other' : `${rest.length} others`} are typing`;
}

/** How the person is seen by others, from what they chose and whether they are there. */
export function ownState(own: ChoicesView | null, idle: boolean): State {
  if (own?.availability === 'invisible') return 'offline';
  if (own?.availability === 'do_not_disturb') return 'do_not_disturb';
  return idle ? 'idle' : 'online';
}
