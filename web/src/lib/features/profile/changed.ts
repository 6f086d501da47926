import type { ChangeAuthorView, ChangeView } from '../../protocol/generated';

/** A device as it is called: by its name, where that is known, else by its number in the account. */
function called(device: number, name: string | null): string {
  return name ?? `Device ${device + 1}`;
}

/** "Phone was added", for one line of what changed. */
export function changeWords(change: ChangeView): string {
  const { what } = change;
  switch (what.type) {
    case 'made':
      return 'The account was made';
    case 'device_added':
      return `${called(what.device, what.name)} was added`;
    case 'device_removed':
      return `${called(what.device, what.name)} was removed`;
    case 'recovery_replaced':
      return what.all_removed
        ? 'The recovery key was replaced, and all devices were removed'
        : 'The recovery key was replaced';
    case 'closed':
      return 'The account ended';
  }
}

/** "by Laptop", "with the recovery key"; nothing for the beginning, which had nobody before it. */
export function byWords(change: ChangeView): string | null {
  if (change.what.type === 'made') return null;
  return authorWords(change.by);
}

function authorWords(by: ChangeAuthorView): string {
  return by.type === 'recovery_key' ? 'with the recovery key' : `by ${called(by.device, by.name)}`;
}

/** The 60 digits in twelve groups of five. */
export function groups(digits: string): string[] {
  return digits.match(/\d{1,5}/gu) ?? [];
}
