/** Getting in: welcome, sign up, sign in. */
export { default as HasAccount } from './HasAccount.svelte';
export { default as PasswordHint } from './PasswordHint.svelte';
export { default as SignIn } from './SignIn.svelte';
export { default as SignUp } from './SignUp.svelte';
export { default as Welcome } from './Welcome.svelte';
export { PASSWORD_MIN, passwordHint } from './password';
