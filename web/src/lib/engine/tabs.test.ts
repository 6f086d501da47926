import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { AccountView } from '../protocol/generated';
import { failures, type Call, type FromWorker, type ToWorker } from './calls';
import { CoreError, type CoreEvent } from './core';
import { EngineWorker, type WorkerPort } from './core-worker';
import { newMessageId } from './message-id';
import { SharedCore } from './remote';

const NOBODY: AccountView = { type: 'none' };

/** A worker whose engine is the test. */
class FakeWorker implements WorkerPort {
  onmessage: WorkerPort['onmessage'] = null;
  onerror: WorkerPort['onerror'] = null;
  onmessageerror: WorkerPort['onmessageerror'] = null;
  readonly asked: Call[] = [];
  terminated = false;
  /** What it answers at once; without it, it keeps silent. */
  hear: (message: ToWorker, worker: FakeWorker) => void = () => undefined;

  postMessage(message: ToWorker): void {
    this.asked.push(message.call);
    this.hear(message, this);
  }

  terminate(): void {
    this.terminated = true;
  }

  tell(message: FromWorker): void {
    if (!this.terminated)
      this.onmessage?.call(this as unknown as Worker, new MessageEvent('message', { data: message }));
  }
}

/** Exclusive locks in order of asking, as a browser has for all tabs. */
class FakeLocks {
  readonly #last = new Map<string, Promise<unknown>>();

  request<T>(name: string, { signal }: { signal: AbortSignal }, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(() => {
      signal.throwIfAborted();
      return work();
    });
    this.#last.set(
      name,
      turn.catch(() => undefined),
    );
    return turn;
  }
}

let space = '';
let open: SharedCore[] = [];

beforeEach(() => {
  Object.defineProperty(navigator, 'locks', { value: new FakeLocks(), configurable: true });
  space = `test/${crypto.randomUUID()}`;
});

afterEach(() => {
  for (const core of open) core.close();
  open = [];
});

/** A tab with the workers that it started; each opens at once and answers as told. */
function tab(hear: FakeWorker['hear'], opens: FromWorker = { type: 'opened', storage: 'durable' }) {
  const workers: FakeWorker[] = [];
  const start = () => {
    const worker = new FakeWorker();
    worker.hear = hear;
    workers.push(worker);
    setTimeout(() => worker.tell(opens), 0);
    return worker;
  };
  const core = new SharedCore(space, (listener) => new EngineWorker(start, listener));
  open.push(core);
  const events: CoreEvent[] = [];
  core.listen((event) => events.push(event));
  return { core, workers, events };
}

const answering: FakeWorker['hear'] = ({ number, call }, worker) =>
  worker.tell({
    type: 'answer',
    number,
    answer: { ok: true, value: call.method === 'account' ? NOBODY : undefined },
  });

test('every tab works through the one engine, and all hear what happens', async () => {
  const first = tab(answering);
  await first.core.ready();
  const second = tab(answering);
  expect(await second.core.ready()).toEqual({ storage: 'durable' });

  expect(await second.core.account()).toEqual(NOBODY);
  expect(await first.core.account()).toEqual(NOBODY);
  expect(second.workers).toHaveLength(0);

  first.workers[0]?.tell({ type: 'events', events: [{ type: 'chats' }] });
  await vi.waitFor(() => expect(second.events).toEqual([{ type: 'chats' }]));
  expect(first.events).toEqual([{ type: 'chats' }]);
});

test('when the owner is gone another tab takes over, and asks again under the same message id', async () => {
  const first = tab(() => undefined);
  await first.core.ready();
  const second = tab(answering);
  await second.core.ready();

  const sent = second.core.sendText('room', 'hello');
  await vi.waitFor(() => expect(first.workers[0]?.asked).toHaveLength(1));
  first.core.close();

  const id = await sent;
  expect(second.workers[0]?.asked).toEqual(first.workers[0]?.asked);
  expect(second.workers[0]?.asked).toEqual([
    { method: 'sendText', args: ['room', id, 'hello', undefined, undefined, []] },
  ]);
  expect(second.events).toEqual([{ type: 'owner' }]);
  expect(first.workers[0]?.terminated).toBe(true);
});

test('an engine that stops is started again, and a call that stops it twice is given up', async () => {
  let stops = 0;
  const { core, workers, events } = tab((message, worker) => {
    if (message.call.method !== 'account') {
      answering(message, worker);
      return;
    }
    stops += 1;
    setTimeout(() => worker.tell({ type: 'broken' }), 0);
  });
  await core.ready();
  const poison = core.account();
  await expect(poison).rejects.toEqual(new CoreError(failures.stopped));
  expect(stops).toBe(2);
  await core.recoveryKeyKept();
  expect(workers.map((worker) => worker.terminated)).toEqual([true, true, false]);
  expect(events).toContainEqual({ type: 'owner' });
});

test('a store that cannot be opened is told, and the next tab tries itself', async () => {
  const first = tab(answering, { type: 'failed', failure: failures.locked });
  await expect(first.core.ready()).rejects.toEqual(new CoreError(failures.locked));
  await expect(first.core.account()).rejects.toEqual(new CoreError(failures.locked));
  const second = tab(answering);
  expect(await second.core.ready()).toEqual({ storage: 'durable' });
});

test('a failure of the engine rejects the goal alone', async () => {
  const { core } = tab(({ number }, worker) =>
    worker.tell({ type: 'answer', number, answer: { ok: false, failure: failures.storage } }),
  );
  await expect(core.sendText('room', 'hello')).rejects.toEqual(new CoreError(failures.storage));
});

test('what waits is bounded', async () => {
  const { core } = tab(() => undefined);
  await core.ready();
  const waiting = Array.from({ length: 256 }, () => core.account());
  await expect(core.account()).rejects.toEqual(new CoreError(failures.busy));
  core.close();
  expect((await Promise.allSettled(waiting)).every(({ status }) => status === 'rejected')).toBe(true);
});

test('a message id is a UUID of version 7 with its time in front', () => {
  const id = newMessageId(0x0123_4567_89ab);
  expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(newMessageId()).not.toBe(newMessageId());
});
