/**
 * How hard a password is to guess. Only a password that may open the history has to be asked about, so the estimator and
 * its lists come in a file of their own, when they are needed.
 */

/** Of zxcvbn's steps, 4: more than 10^10 guesses. Each costs the guesser an Argon2id of 64 MiB. */
const STRONG = 4;

export interface Strength {
  strong: boolean;
  /** What the person may do about it; empty where it is strong. */
  advice: string;
}

export async function strengthOf(password: string, username: string): Promise<Strength> {
  const { estimate } = await import('./estimate');
  const { score, warning } = estimate(password, [username, 'conclave', location.hostname]);
  if (score >= STRONG) return { strong: true, advice: '' };
  const why = warning === null ? '' : `${warning} `;
  return {
    strong: false,
    advice: `${why}It is not strong enough: take four or five unrelated words, or a longer one from a password manager.`,
  };
}

/** The same in short; where the estimator cannot be loaded, no password counts as strong. */
export async function isStrong(password: string, username: string): Promise<boolean> {
  try {
    return (await strengthOf(password, username)).strong;
  } catch {
    return false;
  }
}
