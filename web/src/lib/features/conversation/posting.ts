import { fullTime } from '../../format/time';
import type { PlaceStateView, PostingView } from '../../protocol/generated';

/** Why one cannot write here and what to do; `null` where one can. */
export function blockedWords(posting: PostingView, state: PlaceStateView | null): string | null {
  switch (posting.type) {
    case 'allowed':
      return null;
    case 'read_only':
      return 'Nobody writes here for now: it is read-only. You can read everything that was said.';
    case 'archived':
      return 'This was put away. You can read it; somebody who manages it can bring it back.';
    case 'muted':
      return `You cannot write here until ${fullTime(posting.until)}. You can read along.`;
    case 'forbidden':
      return 'Others write here, and you can read along. Ask somebody who manages this place if you should write.';
    case 'not_member':
      return outsideWords(state);
    case 'closed':
      return 'This was closed by its owner. What was said stays on your devices.';
    case 'disputed':
      return 'The server shows two versions of this group, or a part of it is missing. Nothing is sent here. Ask somebody in it, in another way, what they see.';
  }
}

function outsideWords(state: PlaceStateView | null): string {
  switch (state?.type) {
    case 'removed':
      return `You were removed${reason(state.reason)}. New messages do not reach you; what you had stays here.`;
    case 'banned':
      return `You were banned${reason(state.reason)}. New messages do not reach you; what you had stays here.`;
    case 'left':
      return 'You left. New messages do not reach you; ask for an invite to come back.';
    case 'waiting':
      return 'You wait to be let in. Somebody who manages it has to agree.';
    case 'declined':
      return 'You were not let in. Ask who invited you.';
    case 'closed':
      return 'This was closed by its owner. What was said stays on your devices.';
    case 'unlisted':
      return 'The server does not list this for you any more and does not show why. Ask somebody in it.';
    default:
      return 'You do not read this any more. Ask somebody who manages it.';
  }
}

function reason(told: string | null): string {
  return told === null || told === '' ? '' : ` (“${told}”)`;
}
