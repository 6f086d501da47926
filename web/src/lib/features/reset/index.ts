/** Starting again under one's name, when everything but the password is lost. */
export { default as ResetPage } from './ResetPage.svelte';
