/** What this device knows: engine, account, connection, storage. */
export { Device } from './device.svelte';
export { provideDevice, useDevice } from './context';
