/**
 * Writes the list of emoji that the picker shows, from the data of emojibase (MIT; from the Unicode CLDR).
 *
 *     node scripts/emoji.ts
 *
 * One line each: the emoji, its name, other words to find it by. Groups begin with a line of `#`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface Emoji {
  emoji: string;
  label: string;
  tags?: string[];
  group?: number;
  order?: number;
  version: number;
}

/** What the systems of the last years draw. */
const VERSION_MAX = 15;
const GROUPS = new Map([
  [0, 'Faces'],
  [1, 'People'],
  [3, 'Nature'],
  [4, 'Food'],
  [5, 'Travel'],
  [6, 'Activities'],
  [7, 'Objects'],
  [8, 'Symbols'],
  [9, 'Flags'],
]);

/**
 * One emoji is one string, whichever way it was chosen: what is drawn as an emoji by itself carries no selector that
 * says so.
 */
function plain(emoji: string): string {
  return /^\p{Emoji_Presentation}\uFE0F$/u.test(emoji) ? emoji.slice(0, -1) : emoji;
}

const found = createRequire(import.meta.url).resolve('emojibase-data/en/data.json');
const all = JSON.parse(readFileSync(found, 'utf8')) as Emoji[];
const lines: string[] = [];
for (const [group, name] of GROUPS) {
  lines.push(`# ${name}`);
  const members = all.filter((one) => one.group === group && one.version <= VERSION_MAX);
  for (const one of members.sort((a, b) => (a.order ?? 0) - (b.order ?? 0))) {
    const label = one.label.replace(/^flag: /u, '');
    const words = (one.tags ?? []).filter((tag) => !label.toLowerCase().includes(tag.toLowerCase()));
    lines.push([plain(one.emoji), label, words.slice(0, 5).join(' ')].join('\t').trimEnd());
  }
}
writeFileSync(join(import.meta.dirname, '../src/lib/features/emoji/emoji.txt'), `${lines.join('\n')}\n`);
console.log(`${lines.length - GROUPS.size} emoji`);
