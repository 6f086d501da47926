import type { Block } from '../../format/marked';

type Parse = (text: string) => Block[];

let parse = $state.raw<Parse | null>(null);
let asked = false;

/**
 * What finds the marks of a text, once it is there: it comes in a file of its own, asked for with the first text
 * that needs it. Until then, and where it cannot be loaded, texts stand as they were written.
 */
export function parser(): Parse | null {
  if (!asked) {
    asked = true;
    import('../../format/markdown').then(
      (module) => (parse = module.parseMarkdown),
      () => (asked = false),
    );
  }
  return parse;
}
