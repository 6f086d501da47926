/** The own account's sign-in: second step, password, logins, the end of the account; and the password shown once more. */
export { ask } from './asks';
export { default as CloseAccount } from './CloseAccount.svelte';
export { default as Logins } from './Logins.svelte';
export { default as Password } from './Password.svelte';
export { Proof } from './proof.svelte';
export { default as ProofDialog } from './ProofDialog.svelte';
export { default as SecondStep } from './SecondStep.svelte';
