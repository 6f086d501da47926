/**
 * Administration of the server: who may register, invites, accounts, announcements, reports, audit log, figures. Nothing
 * here shows what people write, but the messages that a reader reported.
 */
export { default as Accounts } from './Accounts.svelte';
export { default as Announcing } from './Announcing.svelte';
export { default as AuditLog } from './AuditLog.svelte';
export { default as Registration } from './Registration.svelte';
export { default as Reports } from './Reports.svelte';
export { default as ServerFigures } from './ServerFigures.svelte';
