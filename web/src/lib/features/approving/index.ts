/** Approving a new device of the own account, on one that is signed in. */
export { default as ApprovalCard } from './ApprovalCard.svelte';
export { default as LinkPage } from './LinkPage.svelte';
export { Approvals } from './approvals.svelte';
export { provideApprovals } from './context';
