/** The few that people reach for. */
export const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🎉'] as const;

/** A first set in the picker, before the groups are looked through. */
export const OFTEN: readonly string[] = [
  ...QUICK,
  '🙏',
  '🔥',
  '👏',
  '😍',
  '🤔',
  '😅',
  '👀',
  '✅',
  '❌',
  '💯',
  '🙂',
  '😉',
];
