export const USERNAME_MIN = 2;
export const USERNAME_MAX = 32;

/** A handle as the server stores it: people may type it with an @, with capitals or with spaces around. */
export function normalizeUsername(typed: string): string {
  return typed.trim().replace(/^@+/, '').toLowerCase();
}

/** What is wrong with a name as it is typed, in words; `null` when it is right or still empty. */
export function usernameProblem(typed: string): string | null {
  const name = normalizeUsername(typed);
  if (name === '') return null;
  if (!/^[a-z]/.test(name)) return 'A name begins with a letter from a to z.';
  if (/[^a-z0-9._-]/.test(name)) return 'Letters from a to z, digits, dots, dashes and underscores only.';
  if (name.length < USERNAME_MIN) return 'One more character.';
  if (name.length > USERNAME_MAX) return `${USERNAME_MAX} characters at most.`;
  return null;
}

export function usernameFits(typed: string): boolean {
  return normalizeUsername(typed) !== '' && usernameProblem(typed) === null;
}
