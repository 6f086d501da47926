/** Who somebody is: their profile, the safety number, what changed, and what happens when an identity changes. */
export { default as ChooseIdentity } from './ChooseIdentity.svelte';
export { default as Changes } from './Changes.svelte';
export { providePeople, usePeople } from './context';
export { default as Moved } from './Moved.svelte';
export { OpenProfile, People } from './people.svelte';
export { default as Profile } from './Profile.svelte';
export { default as VerifiedMark } from './VerifiedMark.svelte';
