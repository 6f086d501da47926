export const WORDS = 24;

/** What somebody typed, pasted or read off a printout as plain words: without numbers, commas and lines. */
export function plainWords(typed: string): string[] {
  return typed
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{M}]+/u)
    .filter((word) => word !== '');
}

/** "Words 3 and 7 are in no recovery key. Check the spelling." Never which word was meant. */
export function unknownText(places: readonly number[]): string | null {
  const numbers = places.map((place) => String(place + 1));
  const last = numbers.pop();
  if (last === undefined) return null;
  if (numbers.length === 0) return `Word ${last} is in no recovery key. Check its spelling.`;
  return `Words ${numbers.join(', ')} and ${last} are in no recovery key. Check their spelling.`;
}
