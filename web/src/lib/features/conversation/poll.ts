/** The choices and bounds of a poll. */

export const QUESTION_MAX = 300;
export const OPTION_MAX = 100;
export const OPTIONS_MIN = 2;
export const OPTIONS_MAX = 12;

interface Voted {
  multiple: boolean;
  options: readonly { mine: boolean }[];
}

/** What is chosen after one answer was pressed; pressing a chosen one takes it back. */
export function choicesAfter(poll: Voted, pressed: number): number[] {
  const chosen = poll.options.flatMap((option, at) => (option.mine ? [at] : []));
  if (chosen.includes(pressed)) return chosen.filter((at) => at !== pressed);
  return poll.multiple ? [...chosen, pressed].sort((one, other) => one - other) : [pressed];
}

/** Percent of those who voted, whole. */
export function shareOf(votes: number, voters: number): number {
  return voters === 0 ? 0 : Math.round((100 * votes) / voters);
}

/** What a new poll may be sent with: its answers without empty ones; `null` when something is missing. */
export function pollOf(
  question: string,
  options: readonly string[],
): { question: string; options: string[] } | null {
  const asked = question.trim();
  const answers = options.map((option) => option.trim()).filter((option) => option !== '');
  const told = new Set(answers.map((answer) => answer.toLowerCase()));
  const fits = answers.length >= OPTIONS_MIN && answers.length <= OPTIONS_MAX && told.size === answers.length;
  return asked !== '' && fits ? { question: asked, options: answers } : null;
}
