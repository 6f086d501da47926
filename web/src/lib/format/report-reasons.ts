import type { ReportView } from '../protocol/generated';

/** Why a message is reported, in words; in the order in which they are offered. */
export const REPORT_REASONS: Record<ReportView['reason'], string> = {
  abuse: 'Insults or threats',
  spam: 'Advertising or fraud',
  illegal: 'Against the law',
  other: 'Something else',
};
