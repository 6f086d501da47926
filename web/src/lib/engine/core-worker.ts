/** The engine's worker, as the page that owns it holds it: starts it, starts it again when it stops, keeps count. */
import type { Failure } from '../protocol/generated';
import { failures, type Answer, type Call, type FromWorker, type ToWorker } from './calls';
import type { CoreEvent, StorageKind } from './core';

/** What the owner hears. */
export interface EngineListener {
  opened(storage: StorageKind): void;
  /** It cannot be opened, and trying again alone does not help. */
  failed(failure: Failure): void;
  answered(tab: string, number: number, answer: Answer): void;
  happened(events: CoreEvent[]): void;
}

/** The engine, as its owner sees it. */
export interface Engine {
  call(tab: string, number: number, call: Call): void;
  close(): void;
}

/** A part of `Worker`, so that tests can put another in its place. */
export type WorkerPort = Pick<
  Worker,
  'postMessage' | 'terminate' | 'onmessage' | 'onerror' | 'onmessageerror'
>;

interface Open {
  tab: string;
  number: number;
  call: Call;
  /** Times that the engine stopped while this was under way. */
  stops: number;
}

/** Calls under way at a time, of all tabs. */
const OPEN_MAX = 1_024;
/** A call that saw the engine stop this often may be what stops it. */
const STOPS_MAX = 2;
/** Tries to open, in a row, before the page says so. */
const STARTS_MAX = 5;
const PAUSE_MS = { least: 50, most: 5_000 };
/** After this long without a stop, the count begins anew. */
const CALM_MS = 60_000;

export class EngineWorker implements Engine {
  readonly #start: () => WorkerPort;
  readonly #listener: EngineListener;
  readonly #open = new Map<number, Open>();
  #worker: WorkerPort | null = null;
  #nextNumber = 1;
  #stops = 0;
  #startedAt = 0;
  #everOpened = false;
  #closed = false;

  constructor(start: () => WorkerPort, listener: EngineListener) {
    this.#start = start;
    this.#listener = listener;
    this.#begin();
  }

  call(tab: string, number: number, call: Call): void {
    if (this.#open.size >= OPEN_MAX) {
      this.#listener.answered(tab, number, { ok: false, failure: failures.busy });
      return;
    }
    const own = this.#nextNumber++;
    this.#open.set(own, { tab, number, call, stops: 0 });
    this.#post({ number: own, call });
  }

  close(): void {
    this.#closed = true;
    this.#end();
    this.#open.clear();
  }

  #begin(): void {
    if (this.#closed) return;
    this.#startedAt = Date.now();
    const worker = this.#start();
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#stopped();
    };
    worker.onmessageerror = () => this.#stopped();
    for (const [number, { call }] of this.#open) this.#post({ number, call });
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case 'opened':
        // Whatever a stopped engine showed last may be old.
        if (this.#everOpened) this.#listener.happened([{ type: 'owner' }]);
        this.#everOpened = true;
        {
          this.#listener.opened(message.storage);
          return;
        }
      case 'failed': {
        this.#fail(message.failure);
        return;
      }
      case 'answer': {
        const open = this.#open.get(message.number);
        if (!open) return;
        this.#open.delete(message.number);
        this.#listener.answered(open.tab, open.number, message.answer);
        return;
      }
      case 'events': {
        this.#listener.happened(message.events);
        return;
      }
      case 'broken': {
        this.#stopped();
        return;
      }
    }
  }

  #stopped(): void {
    if (this.#closed || !this.#worker) return;
    this.#end();
    if (Date.now() - this.#startedAt > CALM_MS) this.#stops = 0;
    this.#stops += 1;
    if (!this.#everOpened && this.#stops >= STARTS_MAX) {
      this.#fail(failures.stopped);
      return;
    }
    for (const [number, open] of this.#open) {
      open.stops += 1;
      if (open.stops < STOPS_MAX) continue;
      this.#open.delete(number);
      this.#listener.answered(open.tab, open.number, { ok: false, failure: failures.stopped });
    }
    setTimeout(() => this.#begin(), Math.min(PAUSE_MS.least * 2 ** this.#stops, PAUSE_MS.most));
  }

  #fail(failure: Failure): void {
    const open = [...this.#open.values()];
    this.close();
    for (const { tab, number } of open) this.#listener.answered(tab, number, { ok: false, failure });
    this.#listener.failed(failure);
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = null;
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }
}
