import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary as common } from '@zxcvbn-ts/language-common';
import { dictionary as english, translations } from '@zxcvbn-ts/language-en';

/** The estimator with its lists. It weighs more than everything else here, so nothing imports this file at once. */
const zxcvbn = new ZxcvbnFactory({
  dictionary: { ...common, ...english },
  graphs: adjacencyGraphs,
  translations,
});

/** From 0, guessed at once, to 4; and what makes it weak, where the estimator has a sentence for it. */
export function estimate(password: string, inputs: string[]): { score: number; warning: string | null } {
  const { score, feedback } = zxcvbn.check(password, inputs);
  return { score, warning: feedback.warning };
}
