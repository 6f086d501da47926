/** Administration of the server: who may register, invites, accounts. Nothing here shows what people write. */
export { default as Accounts } from './Accounts.svelte';
export { default as Registration } from './Registration.svelte';
