/** Components that know nothing of the app. */
export { default as Avatar } from './Avatar.svelte';
export { default as Button } from './Button.svelte';
export { default as CopyField } from './CopyField.svelte';
export { default as Dialog } from './Dialog.svelte';
export { default as Empty } from './Empty.svelte';
export { default as IconButton } from './IconButton.svelte';
export { default as Mark } from './Mark.svelte';
export { default as Note } from './Note.svelte';
export { default as Page } from './Page.svelte';
export { default as PasswordField } from './PasswordField.svelte';
export { default as Progress } from './Progress.svelte';
export { default as Segments } from './Segments.svelte';
export { default as Skeleton } from './Skeleton.svelte';
export { default as TextField } from './TextField.svelte';
