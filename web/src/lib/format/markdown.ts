/**
 * What somebody wrote, cut into typed pieces. markdown-it finds the pieces and draws nothing: components draw them, so
 * no text ever becomes markup. Loaded with the first message that has marks in it; see `marked`.
 */
import MarkdownIt, { type StateInline, type Token } from 'markdown-it';

import type { Block, Inline } from './marked';

/** Deeper than this nothing is told apart; what stands there stays plain text. */
const NESTING_MAX = 40;
const BAR = 0x7c;
/** Where the plain run of a text ends: the marks of markdown-it, and the bar of a spoiler. */
const MARKS = /[\n$%&*+\-:<=>@[\]\\^_`{}~|]/g;

const parser = new MarkdownIt({ html: false, linkify: true, breaks: true, maxNesting: NESTING_MAX });
// A chat has no titles, tables and pictures; and what is indented is no program.
parser.disable([
  'table',
  'code',
  'hr',
  'heading',
  'lheading',
  'reference',
  'image',
  'entity',
  'html_block',
  'html_inline',
  'replacements',
  'smartquotes',
]);
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: true, fuzzyIP: false });
parser.validateLink = (href) => safeHref(href) !== null;
parser.inline.ruler.at('text', plain);
parser.inline.ruler.before('emphasis', 'spoiler', spoiler);

/** The blocks of a text. Never throws, whatever was written. */
export function parseMarkdown(text: string): Block[] {
  return new Reader(parser.parse(text, {})).blocks();
}

/** An address that may be opened: a web page or a mail address, and none that shows one host and leads to another. */
export function safeHref(href: string): string | null {
  if (!URL.canParse(href)) return null;
  const url = new URL(href);
  if (url.protocol === 'mailto:') return url.href;
  const web = url.protocol === 'https:' || url.protocol === 'http:';
  return web && url.hostname !== '' && url.username === '' && url.password === '' ? url.href : null;
}

function plain(state: StateInline, silent: boolean): boolean {
  MARKS.lastIndex = state.pos;
  const end = Math.min(MARKS.exec(state.src)?.index ?? state.posMax, state.posMax);
  if (end === state.pos) return false;
  if (!silent) state.pending += state.src.slice(state.pos, end);
  state.pos = end;
  return true;
}

/** `||hidden until it is pressed||` */
function spoiler(state: StateInline, silent: boolean): boolean {
  const start = state.pos;
  if (state.src.charCodeAt(start) !== BAR || state.src.charCodeAt(start + 1) !== BAR) return false;
  const end = state.src.indexOf('||', start + 2);
  if (end < 0 || end + 2 > state.posMax || state.src.slice(start + 2, end).trim() === '') return false;
  if (!silent) {
    const { posMax } = state;
    state.push('spoiler_open', '', 1);
    state.pos = start + 2;
    state.posMax = end;
    state.md.inline.tokenize(state);
    state.push('spoiler_close', '', -1);
    state.posMax = posMax;
  }
  state.pos = end + 2;
  return true;
}

/** Makes a tree of markdown-it's flat list. */
class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  blocks(until: string | null = null): Block[] {
    const blocks: Block[] = [];
    for (;;) {
      const token = this.#next();
      if (!token || token.type === until) return blocks;
      const block = this.#block(token);
      if (block) blocks.push(block);
    }
  }

  #next(): Token | undefined {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    return token;
  }

  #block(token: Token): Block | null {
    switch (token.type) {
      case 'paragraph_open': {
        const inline = this.#next();
        this.#next();
        return { kind: 'paragraph', inlines: new InlineReader(inline?.children ?? []).inlines() };
      }
      case 'fence':
        return {
          kind: 'code',
          language: token.info.trim().split(/\s+/u)[0] ?? '',
          text: token.content.replace(/\n$/u, ''),
        };
      case 'blockquote_open':
        return { kind: 'quote', blocks: this.blocks('blockquote_close') };
      case 'bullet_list_open':
        return { kind: 'list', start: null, items: this.#items('bullet_list_close') };
      case 'ordered_list_open':
        return {
          kind: 'list',
          start: Number(token.attrGet('start') ?? 1),
          items: this.#items('ordered_list_close'),
        };
      default:
        return token.content === ''
          ? null
          : { kind: 'paragraph', inlines: [{ kind: 'text', text: token.content }] };
    }
  }

  #items(until: string): Block[][] {
    const items: Block[][] = [];
    for (;;) {
      const token = this.#next();
      if (!token || token.type === until) return items;
      items.push(this.blocks('list_item_close'));
    }
  }
}

const WRAPPERS: Record<string, 'strong' | 'em' | 'strike' | 'spoiler'> = {
  strong_open: 'strong',
  em_open: 'em',
  s_open: 'strike',
  spoiler_open: 'spoiler',
};

class InlineReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  inlines(until: string | null = null): Inline[] {
    const inlines: Inline[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      this.#at += 1;
      if (!token || token.type === until) return inlines;
      const inline = this.#inline(token);
      const last = inlines.at(-1);
      if (inline.kind === 'text' && last?.kind === 'text') last.text += inline.text;
      else if (inline.kind !== 'text' || inline.text !== '') inlines.push(inline);
    }
  }

  #inline(token: Token): Inline {
    const wrapper = WRAPPERS[token.type];
    if (wrapper) return { kind: wrapper, inlines: this.inlines(token.type.replace('_open', '_close')) };
    switch (token.type) {
      case 'softbreak':
      case 'hardbreak':
        return { kind: 'break' };
      case 'code_inline':
        return { kind: 'code', text: token.content };
      case 'link_open': {
        const href = safeHref(String(token.attrGet('href') ?? ''));
        const inlines = this.inlines('link_close');
        // What may not be opened is shown as it was written.
        if (href === null) return { kind: 'em', inlines };
        return { kind: 'link', href, masked: token.info !== 'auto', inlines };
      }
      default:
        return { kind: 'text', text: token.content };
    }
  }
}
