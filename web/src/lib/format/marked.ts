/** The pieces of a formatted text, and the door to what finds them. */
import { linkify } from './linkify';

/** A piece within a line. */
export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'break' }
  | { kind: 'code'; text: string }
  /** `masked` where the words are not the address, so that the screen has to say where it leads. */
  | { kind: 'link'; href: string; masked: boolean; inlines: Inline[] }
  | { kind: 'strong' | 'em' | 'strike' | 'spoiler'; inlines: Inline[] };

/** A piece that stands on lines of its own. */
export type Block =
  | { kind: 'paragraph'; inlines: Inline[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'quote'; blocks: Block[] }
  /** `start` is the first number; `null` for bullets. */
  | { kind: 'list'; start: number | null; items: Block[][] };

/** Whether a text may have marks in it. Most have none and need no parser. */
export function hasMarks(text: string): boolean {
  return /[*_~`|\\[\]@]|^\s*(?:>|[-+]\s|\d+[.)]\s)/mu.test(text);
}

/** A text without marks: one paragraph with its links, every space where it was. */
export function plainBlocks(text: string): Block[] {
  const inlines = linkify(text).map<Inline>((piece) =>
    piece.kind === 'link'
      ? { kind: 'link', href: piece.href, masked: false, inlines: [{ kind: 'text', text: piece.text }] }
      : piece,
  );
  return [{ kind: 'paragraph', inlines }];
}

/** Everything that is written, without its marks: for one line of preview, a notice or a screen reader. */
export function wordsOf(blocks: readonly Block[]): string {
  return blocks
    .map((block) => {
      switch (block.kind) {
        case 'paragraph':
          return inlineWords(block.inlines);
        case 'code':
          return block.text;
        case 'quote':
          return wordsOf(block.blocks);
        case 'list':
          return block.items.map((item) => wordsOf(item)).join('\n');
      }
    })
    .join('\n');
}

/** The words of one line. A spoiler stays one. */
function inlineWords(inlines: readonly Inline[]): string {
  return inlines
    .map((inline) => {
      switch (inline.kind) {
        case 'text':
        case 'code':
          return inline.text;
        case 'break':
          return '\n';
        case 'spoiler':
          return 'spoiler';
        default:
          return inlineWords(inline.inlines);
      }
    })
    .join('');
}
