import type { MessageView } from '../../protocol/generated';

/** What may be done with a message, in the order of its menu. */
export type Action =
  | 'react'
  | 'reply'
  | 'thread'
  | 'edit'
  | 'copy'
  | 'forward'
  | 'pin'
  | 'unpin'
  | 'history'
  | 'report'
  | 'retry'
  | 'discard'
  | 'delete_for_me'
  | 'delete_for_everyone';

/** What a message offers. `inThread` where it stands in the panel of its thread already. */
export function actionsOf(message: MessageView, inThread: boolean): Action[] {
  const { body, can, delivery } = message;
  if (delivery.type === 'failed') return ['retry', ...copying(message), 'discard'];
  const actions: Action[] = [];
  if (can.react) actions.push('react');
  if (can.reply) actions.push('reply');
  if (can.reply && !inThread) actions.push('thread');
  if (can.edit) actions.push('edit');
  actions.push(...copying(message));
  if (can.forward) actions.push('forward');
  if (can.pin) actions.push(message.pinned ? 'unpin' : 'pin');
  if (message.edited_at !== null && body.type === 'text') actions.push('history');
  if (!message.mine && (body.type === 'text' || body.type === 'poll')) actions.push('report');
  if (delivery.type !== 'queued' && body.type !== 'notice') actions.push('delete_for_me');
  if (can.delete_for_everyone) actions.push('delete_for_everyone');
  return actions;
}

/** The one button of the bar between replying and the rest: editing what is one's own, else the thread. */
export function thirdOf(actions: readonly Action[]): 'edit' | 'thread' | null {
  if (actions.includes('edit')) return 'edit';
  return actions.includes('thread') ? 'thread' : null;
}

/** The letter that does it while a message has the focus. */
export const KEYS: Partial<Record<Action, string>> = {
  react: 'A',
  reply: 'R',
  thread: 'T',
  edit: 'E',
  forward: 'F',
};

export function actionOfKey(key: string, actions: readonly Action[]): Action | null {
  return actions.find((action) => KEYS[action] === key.toUpperCase()) ?? null;
}

function copying(message: MessageView): Action[] {
  return message.body.type === 'text' ? ['copy'] : [];
}
