/** Who may reach the person: requests of strangers, who is blocked, and what people are called here. */
export { default as BlockedCard } from './BlockedCard.svelte';
export { default as BlockedPeople } from './BlockedPeople.svelte';
export { Contacts } from './contacts.svelte';
export { provideContacts, useContacts } from './context';
export { default as NicknameField } from './NicknameField.svelte';
export { default as RequestCard } from './RequestCard.svelte';
