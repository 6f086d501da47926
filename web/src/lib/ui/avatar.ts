/** Eight hues that stay apart, also for people who see fewer colours. */
const HUES = [25, 60, 95, 150, 190, 235, 290, 340] as const;

/** The hue of an account: always the same for the same id. */
export function hueOf(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return HUES[sum % HUES.length] ?? HUES[0];
}

/** "M" for mia, "MK" for mia.keller: the first letters of the first two words. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/u).filter((word) => word !== '');
  return words
    .slice(0, 2)
    .map((word) => Array.from(word)[0]?.toUpperCase() ?? '')
    .join('');
}
