/** "1 message", "3 messages" */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

/** A number for a badge: it stays two digits wide. */
export function badge(number: number): string {
  return number > 99 ? '99+' : String(number);
}
