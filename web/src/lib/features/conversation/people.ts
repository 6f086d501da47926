import type { PersonView } from '../../protocol/generated';

/** Who takes part in a room, as its screens name them. */
export interface People {
  /** Flat rows with names, or bubbles of two. */
  readonly many: boolean;
  readonly list: readonly PersonView[];
  /** What somebody is called here; `known` where their handle stands beside it. */
  nameOf(account: string, known?: string): string;
}

/** Somebody who is not known here any more. */
const UNKNOWN = 'Somebody who left';

/** The own notes: nobody else is there. */
export const NOBODY: People = { many: false, list: [], nameOf: (_, known) => known ?? UNKNOWN };

/** The two of a direct chat. `called` says what the other one is called now. */
export function peopleOfTwo(person: PersonView, called: () => string = () => person.username): People {
  return {
    many: false,
    list: [person],
    nameOf: (account, known) => (account === person.account ? called() : (known ?? UNKNOWN)),
  };
}
