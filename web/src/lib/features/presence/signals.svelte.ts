import { failureOf } from '../../platform/failure';
import type {
  AccountIntent,
  ChoiceChange,
  ChoicesView,
  Failure,
  PersonView,
  PresenceView,
  SignalsView,
} from '../../protocol/generated';
import type { Device } from '../device';
import { watchIdle } from './idle';
import { ownState } from './words';

/** Keys follow each other faster than anybody needs to hear of it. */
const TYPED_EVERY = 1_000;

/** Who is there and who writes, as the engine last told it. */
export class Signals {
  view = $state.raw<SignalsView | null>(null);
  /** What was chosen could not be put into force. */
  failure = $state.raw<Failure | null>(null);
  /** What was chosen and is not in force yet: shown at once, and taken back where it fails. */
  #choosing = $state.raw<ChoiceChange | null>(null);
  /** Nobody uses this page. */
  idle = $state(false);
  readonly working = $derived(this.#choosing !== null);
  readonly own = $derived<ChoicesView | null>(this.view ? { ...this.view.own, ...this.#choosing } : null);
  /** How others see the person. */
  readonly state = $derived(ownState(this.own, this.idle));
  readonly #people = $derived(new Map((this.view?.people ?? []).map((person) => [person.account, person])));
  readonly #typing = $derived(new Map((this.view?.typing ?? []).map((of) => [of.room, of.people])));

  readonly #device: Device;
  #typed: { room: string; at: number } | null = null;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Begins to follow the engine and whether somebody is there; the returned function ends it. */
  start(): () => void {
    this.#say({ type: 'show_signals' });
    const ends = [
      this.#device.listen((event) => {
        if (event.type === 'signals') this.view = event.signals;
        // Another tab's engine took over: it knows neither.
        if (event.type === 'owner') {
          this.#say({ type: 'show_signals' });
          if (this.idle) this.#say({ type: 'active', active: false });
        }
      }),
      watchIdle(window, (active) => {
        this.idle = !active;
        this.#say({ type: 'active', active });
      }),
    ];
    return () => ends.forEach((end) => end());
  }

  /** What is known of somebody; `null` for nothing. */
  of(account: string): PresenceView | null {
    return this.#people.get(account) ?? null;
  }

  /** Who else writes in a room. */
  typingIn(room: string): readonly PersonView[] {
    return this.#typing.get(room) ?? [];
  }

  /** The person writes in a room, or there is nothing left of it. */
  typed(room: string, active: boolean): void {
    const now = Date.now();
    if (active) {
      if (this.#typed?.room === room && now - this.#typed.at < TYPED_EVERY) return;
      this.#typed = { room, at: now };
    } else {
      if (this.#typed?.room !== room) return;
      this.#typed = null;
    }
    this.#say({ type: 'typing', room, active });
  }

  async choose(change: ChoiceChange): Promise<void> {
    if (this.working) return;
    this.#choosing = change;
    this.failure = null;
    try {
      await this.#device.core.askAccount({ type: 'choose', change });
    } catch (thrown) {
      this.failure = failureOf(thrown);
    } finally {
      this.#choosing = null;
    }
  }

  /** Signals may be lost, and nobody waits for them. */
  #say(intent: AccountIntent): void {
    this.#device.core.askAccount(intent).catch(() => undefined);
  }
}
