/** The devices of the own account: list, names, removing, adding. */
export { default as Devices } from './Devices.svelte';
