/** Groups and communities. What few look at comes in files of its own. */
export { default as CommunityLinks } from './CommunityLinks.svelte';
export { default as CommunityList } from './CommunityList.svelte';
export { default as JoinPage } from './LateJoinPage.svelte';
export { default as NewPlace } from './LateNewPlace.svelte';
export { default as PlacePanel } from './LatePlacePanel.svelte';
export { providePlaces } from './context';
export { Places } from './places.svelte';
