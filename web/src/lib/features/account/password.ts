import { normalizeUsername } from '../../format/username';

export const PASSWORD_MIN = 8;
const PASSWORD_ADVISED = 15;

/** How good a password looks while it is typed, in plain words. The engine decides; this only advises. */
export interface PasswordHint {
  level: 'empty' | 'short' | 'weak' | 'fair' | 'strong';
  /** Of three steps. */
  steps: 0 | 1 | 2 | 3;
  text: string;
}

export function passwordHint(password: string, username: string): PasswordHint {
  const length = Array.from(password).length;
  if (length === 0)
    return { level: 'empty', steps: 0, text: 'At least 8 characters. A few unrelated words work well.' };
  if (length < PASSWORD_MIN) {
    const more = PASSWORD_MIN - length;
    return {
      level: 'short',
      steps: 0,
      text: `${more === 1 ? 'One more character' : `${more} more characters`}.`,
    };
  }
  if (isGuessable(password, username))
    return { level: 'weak', steps: 1, text: 'Easy to guess: repeated, in a row, or close to your name.' };
  if (length < PASSWORD_ADVISED)
    return { level: 'fair', steps: 2, text: 'Good. 15 characters or more are better.' };
  return { level: 'strong', steps: 3, text: 'Strong.' };
}

const ROWS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiop',
];

function isGuessable(password: string, username: string): boolean {
  const text = password.toLowerCase();
  const name = normalizeUsername(username);
  if (new Set(text).size <= 3) return true;
  if (name.length >= 3 && text.includes(name) && text.length - name.length < PASSWORD_MIN) return true;
  if (/^(pass(word|wort)?|letmein|welcome|admin|conclave)[^a-z]*$/.test(text)) return true;
  return stepsInRow(text) >= text.length - 3;
}

/** Neighbouring characters that follow each other in the alphabet, the digits or on a keyboard, either way. */
function stepsInRow(text: string): number {
  let steps = 0;
  for (let at = 1; at < text.length; at += 1) {
    const pair = text.slice(at - 1, at + 1);
    const turned = Array.from(pair).reverse().join('');
    if (ROWS.some((row) => row.includes(pair) || row.includes(turned))) steps += 1;
  }
  return steps;
}
