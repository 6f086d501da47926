import { CoreError } from '../engine/core';
import type { Failure } from '../protocol/generated';

const UNKNOWN = 'Something went wrong here. Try again; reload the page if it stays.';

/** What to show for anything that was thrown. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof CoreError) return thrown.failure;
  return { code: 'unknown', message: UNKNOWN, retry_after: null };
}
