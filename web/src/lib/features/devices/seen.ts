import { shortTime, spokenTime } from '../../format/time';
import type { DeviceView } from '../../protocol/generated';

const WEEK = 7 * 24 * 60 * 60 * 1000;

/** When a device was last there, in words. The server says so, and nobody proves it. */
export function seenWords(device: DeviceView, now: number): string {
  if (device.this) return 'This device';
  if (!device.signed_in)
    return device.seen_at === null ? 'Signed out' : `Signed out, ${last(device.seen_at, now)}`;
  if (device.connected) return 'Connected now';
  if (device.seen_at === null) return 'Not seen yet';
  const words = last(device.seen_at, now);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function last(seenAt: number, now: number): string {
  return `last seen ${when(seenAt, now)}`;
}

/** "Added today 6:53 PM", "Added Nov 3" */
export function addedWords(device: DeviceView, now: number): string {
  return `Added ${when(device.added_at, now)}`;
}

/** After a week nobody wants the hour. */
function when(time: number, now: number): string {
  return now - time < WEEK ? spokenTime(time, now) : shortTime(time, now);
}
