import { failureOf } from '../../platform/failure';
import { Refresher } from '../../platform/refresher';
import type { ApprovalStep, ApprovalView, Failure } from '../../protocol/generated';
import type { Device } from '../device';

const GONE: Failure = {
  code: 'link_gone',
  message: 'This approval has ended. Start again on the new device.',
  retry_after: null,
};

/** New devices that wait for approval by this one, as the engine lists them. */
export class Approvals {
  rows = $state.raw<ApprovalView[]>([]);
  /** Put off by this page until it is opened anew. */
  #putOff = $state.raw<string[]>([]);
  /** Looked at right now. */
  #open = $state.raw<string[]>([]);

  readonly #device: Device;
  readonly #refresher = new Refresher(async () => {
    this.rows = await this.#device.core.listApprovals();
  });

  constructor(device: Device) {
    this.#device = device;
  }

  get core() {
    return this.#device.core;
  }

  /** The first one that nobody looks at here. */
  get waiting(): ApprovalView | null {
    const waits = (row: ApprovalView) =>
      row.step.type !== 'added' &&
      row.step.type !== 'ended' &&
      row.step.type !== 'adding' &&
      !this.#putOff.includes(row.link) &&
      !this.#open.includes(row.link);
    return this.rows.find(waits) ?? null;
  }

  /** Follows the engine until the returned function is called. */
  start(): () => void {
    void this.refresh();
    return this.#device.listen((event) => {
      if (event.type === 'approvals' || event.type === 'owner') void this.refresh();
    });
  }

  /** Never rejects: what could not be read is read at the next event. */
  async refresh(): Promise<void> {
    try {
      await this.#refresher.ask();
    } catch {
      // The engine is gone; its return is an event.
    }
  }

  find(link: string): ApprovalView | null {
    return this.rows.find((row) => row.link === link) ?? null;
  }

  putOff(link: string): void {
    this.#putOff = [...this.#putOff, link];
  }

  opened(link: string): void {
    this.#open = [...this.#open, link];
  }

  closed(link: string): void {
    this.#open = this.#open.filter((other) => other !== link);
  }
}

/** How far one approval is, with what only this page knows. */
export type MeetingStep = ApprovalStep | { type: 'declined' };

/** One approval, from the first look to its end, on the page that does it. */
export class Meeting {
  link = $state.raw<string | null>(null);
  digits = $state('');
  working = $state(false);
  failure = $state.raw<Failure | null>(null);
  #declined = $state(false);
  #added = $state.raw<string | false | null>(false);
  #begun = $state(false);

  readonly #approvals: Approvals;

  constructor(approvals: Approvals) {
    this.#approvals = approvals;
  }

  get view(): ApprovalView | null {
    return this.link === null ? null : this.#approvals.find(this.link);
  }

  get step(): MeetingStep {
    if (this.#declined) return { type: 'declined' };
    const view = this.view;
    if (!this.#begun) return { type: 'connecting' };
    if (this.#added !== false && view?.step.type !== 'added') return { type: 'added' };
    if (view) return view.step;
    if (this.failure) return { type: 'ended', failure: this.failure };
    return { type: 'ended', failure: GONE };
  }

  /** The new device's name, where it is known. */
  get name(): string | null {
    return this.view?.name ?? (this.#added === false ? null : this.#added);
  }

  get complete(): boolean {
    return this.step.type === 'confirmation_needed' || this.digits.length === 6;
  }

  /** Answers a device that waits, as the list says. */
  async answer(link: string): Promise<void> {
    this.link = link;
    this.#approvals.opened(link);
    if (this.view?.step.type === 'asked') await this.#work(() => this.#approvals.core.answerLink(link));
    this.#begun = true;
  }

  /** Answers a device by the code that it shows. */
  async answerCode(code: string): Promise<void> {
    await this.#approvals.refresh();
    const before = this.#approvals.rows.map((row) => row.link);
    const done = await this.#work(() => this.#approvals.core.answerCode(code));
    const rows = this.#approvals.rows;
    const fresh = rows.find((row) => !before.includes(row.link));
    // After a reload in the middle the engine has this meeting already.
    const going = rows.find(({ step }) => step.type === 'confirmation_needed' || step.type === 'connecting');
    const found = fresh ?? going;
    if (done && found) {
      this.link = found.link;
      this.#approvals.opened(found.link);
    }
    this.#begun = true;
  }

  async approve(): Promise<void> {
    const link = this.link;
    if (link === null || !this.complete) return;
    const digits = this.step.type === 'digits_needed' ? this.digits : null;
    if (await this.#work(() => this.#approvals.core.confirmLink(link, digits)))
      this.#added = this.view?.name ?? null;
  }

  async decline(): Promise<void> {
    const link = this.link;
    if (link === null) return;
    if (await this.#work(() => this.#approvals.core.declineLink(link))) this.#declined = true;
  }

  /** The page looks elsewhere; the approval waits on where it still can. */
  close(): void {
    if (this.link !== null) this.#approvals.closed(this.link);
  }

  async #work(work: () => Promise<void>): Promise<boolean> {
    if (this.working) return false;
    this.working = true;
    this.failure = null;
    try {
      await work();
      return true;
    } catch (thrown) {
      this.failure = failureOf(thrown);
      return false;
    } finally {
      await this.#approvals.refresh();
      this.working = false;
    }
  }
}
