import { failureOf } from '../../platform/failure';
import type { AccountIntent, AnnouncementsView, Failure } from '../../protocol/generated';
import type { Device } from '../device';

/** What the server says to everybody, as the engine checked it. */
export class Announcements {
  view = $state.raw<AnnouncementsView>({ announcements: [], key_changed: false });
  failure = $state.raw<Failure | null>(null);
  readonly #device: Device;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Begins to follow the engine; the returned function ends it. */
  start(): () => void {
    const look = () => void this.#ask({ type: 'show_announcements' });
    look();
    return this.#device.listen((event) => {
      if (event.type === 'announcements') this.view = event.announcements;
      // Another tab's engine took over.
      if (event.type === 'owner') look();
    });
  }

  /** Shows one no more, on all own devices. */
  putAway(id: string): Promise<void> {
    return this.#ask({ type: 'put_away_announcement', id });
  }

  /** Believes the key with which the server signs now. */
  acceptKey(): Promise<void> {
    return this.#ask({ type: 'accept_server_key' });
  }

  async #ask(intent: AccountIntent): Promise<void> {
    try {
      await this.#device.core.askAccount(intent);
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }
}

/** How each kind begins. */
export const KINDS = {
  notice: 'From this server',
  warning: 'Warning from this server',
  maintenance: 'Maintenance of this server',
} as const;
