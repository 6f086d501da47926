/** Times as people say them. `now` is an argument, so that a test can choose it. */

const DAY = 24 * 60 * 60 * 1000;

function startOfDay(time: number): number {
  const date = new Date(time);
  date.setHours(0, 0, 0, 0);
  return date.getTime();
}

/** Whole days between two moments as a calendar counts them, also across a change of the clock. */
function daysBetween(earlier: number, later: number): number {
  return Math.round((startOfDay(later) - startOfDay(earlier)) / DAY);
}

// Making a formatter costs more than using it, so each is made once.
const formatters = new Map<string, Intl.DateTimeFormat>();

function format(time: number, options: Intl.DateTimeFormatOptions): string {
  const key = JSON.stringify(options);
  let formatter = formatters.get(key);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat(undefined, options);
    formatters.set(key, formatter);
  }
  return formatter.format(time);
}

export function sameDay(one: number, other: number): boolean {
  return startOfDay(one) === startOfDay(other);
}

/** "6:53 PM" */
export function clock(time: number): string {
  return format(time, { hour: 'numeric', minute: '2-digit' });
}

/** "Today", "Yesterday", "Monday", "Monday, November 3", "November 3, 2025": for the pills of a timeline. */
export function dayName(time: number, now: number): string {
  const days = daysBetween(time, now);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return format(time, { weekday: 'long' });
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return sameYear
    ? format(time, { weekday: 'long', month: 'long', day: 'numeric' })
    : format(time, { month: 'long', day: 'numeric', year: 'numeric' });
}

/** "6:53 PM", "Yesterday", "Mon", "Nov 3", "11/3/2025": for a row of the list of chats. */
export function shortTime(time: number, now: number): string {
  const days = daysBetween(time, now);
  if (days <= 0) return clock(time);
  if (days === 1) return 'Yesterday';
  if (days < 7) return format(time, { weekday: 'short' });
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return sameYear ? format(time, { month: 'short', day: 'numeric' }) : format(time, { dateStyle: 'short' });
}

/** "today 6:53 PM", "yesterday 6:53 PM", "Monday 6:53 PM": as it is spoken in a sentence. */
export function spokenTime(time: number, now: number): string {
  const day = dayName(time, now);
  const word = day === 'Today' || day === 'Yesterday' ? day.toLowerCase() : day;
  return `${word} ${clock(time)}`;
}

/** "November 3, 2026 at 6:53 PM" */
export function fullTime(time: number): string {
  return format(time, { dateStyle: 'long', timeStyle: 'short' });
}
