import { count } from './words';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** "30 seconds", "1 hour", "4 weeks": a span in the largest unit that fits it without a rest. */
export function durationWords(seconds: number): string {
  for (const [unit, name] of [
    [WEEK, 'week'],
    [DAY, 'day'],
    [HOUR, 'hour'],
    [MINUTE, 'minute'],
  ] as const)
    if (seconds >= unit && seconds % unit === 0) return count(seconds / unit, name);
  return count(seconds, 'second');
}

/** "3 d", "5 h", "2 min", "now": how long until something goes, for a small mark. */
export function timeLeft(until: number, now: number): string {
  const seconds = Math.max(0, Math.ceil((until - now) / 1000));
  if (seconds >= DAY) return `${Math.floor(seconds / DAY)} d`;
  if (seconds >= HOUR) return `${Math.floor(seconds / HOUR)} h`;
  if (seconds >= MINUTE) return `${Math.floor(seconds / MINUTE)} min`;
  return seconds > 0 ? '1 min' : 'now';
}

/** Timers that are offered; 0 is off. */
export const TIMERS: readonly number[] = [0, 5 * MINUTE, HOUR, 8 * HOUR, DAY, WEEK, 4 * WEEK];

/** "Off" or how long. */
export function timerWords(seconds: number): string {
  return seconds === 0 ? 'Off' : durationWords(seconds);
}
