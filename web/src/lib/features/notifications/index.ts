/** Being told of messages while the app is out of sight or closed. */
export { provideNotifications } from './context';
export { Notifications } from './notifications.svelte';
export { default as NotificationSettings } from './NotificationSettings.svelte';
