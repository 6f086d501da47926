import list from './emoji.txt?raw';

/** An emoji with its name and the words that find it. */
export interface Emoji {
  emoji: string;
  name: string;
  words: string;
}

export interface EmojiGroup {
  name: string;
  emoji: Emoji[];
}

/** Most that a search shows. */
const FOUND_MAX = 120;

/** The groups, as they stand in `emoji.txt`. */
export const GROUPS: readonly EmojiGroup[] = read(list);

/** Emoji whose name or words begin with all that was typed; names first. */
export function findEmoji(typed: string, groups: readonly EmojiGroup[] = GROUPS): Emoji[] {
  const wanted = typed
    .trim()
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== '');
  if (wanted.length === 0) return [];
  const begins = (text: string, word: string) => text.startsWith(word) || text.includes(` ${word}`);
  const byName: Emoji[] = [];
  const byWord: Emoji[] = [];
  for (const { emoji } of groups)
    for (const one of emoji) {
      const name = one.name.toLowerCase();
      if (wanted.every((word) => begins(name, word))) byName.push(one);
      else if (wanted.every((word) => begins(name, word) || begins(one.words, word))) byWord.push(one);
    }
  return [...byName, ...byWord].slice(0, FOUND_MAX);
}

function read(text: string): EmojiGroup[] {
  const groups: EmojiGroup[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('# ')) groups.push({ name: line.slice(2), emoji: [] });
    const [emoji, name, words] = line.split('\t');
    if (emoji === undefined || name === undefined) continue;
    groups.at(-1)?.emoji.push({ emoji, name, words: words ?? '' });
  }
  return groups;
}
