import type { AccountAnswer, Core } from '../../engine/core';
import type { AccountIntent } from '../../protocol/generated';

/** Asks, and expects an answer of this form. */
export async function ask<Form extends AccountAnswer['type']>(
  core: Core,
  intent: AccountIntent,
  form: Form,
): Promise<Extract<AccountAnswer, { type: Form }>> {
  const answer = await core.askAccount(intent);
  if (answer.type !== form) throw new TypeError(`${answer.type} is no ${form}`);
  return answer as Extract<AccountAnswer, { type: Form }>;
}
