import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Connection, type Heard } from './network';

/** A socket whose server is the test. */
class FakeSocket {
  static last: FakeSocket;
  binaryType = '';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor() {
    FakeSocket.last = this;
  }

  close(): void {
    this.onclose?.();
  }

  says(...frames: number[]): void {
    for (const frame of frames) this.onmessage?.({ data: new Uint8Array([frame]).buffer });
  }
}

let heard: (number[] | string)[] = [];
let connection: Connection;

beforeEach(() => {
  vi.stubGlobal('WebSocket', FakeSocket);
  heard = [];
  connection = new Connection((one: Heard) =>
    heard.push(one.type === 'frames' ? one.frames.map(([first]) => first ?? -1) : one.type),
  );
  connection.open();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const calm = () => new Promise((resolve) => setTimeout(resolve, 20));

test('frames that arrive together are handed over together, in order', async () => {
  FakeSocket.last.says(1, 2, 3);
  expect(heard).toEqual([]);
  await calm();
  FakeSocket.last.says(4);
  await calm();
  expect(heard).toEqual([[1, 2, 3], [4]]);
});

test('a long row of frames is handed over in parts, so that others have their turn', async () => {
  const row = Array.from({ length: 150 }, (_, at) => at);
  FakeSocket.last.says(...row);
  await calm();
  expect(heard.map((part) => part.length)).toEqual([64, 64, 22]);
  expect(heard.flat()).toEqual(row);
});

test('what the server said last is heard before its goodbye', async () => {
  FakeSocket.last.says(1, 2);
  FakeSocket.last.onclose?.();
  await calm();
  expect(heard).toEqual([[1, 2], 'closed']);
});

test('nothing more is heard of a connection that was given up', async () => {
  const old = FakeSocket.last;
  old.says(1);
  connection.open();
  FakeSocket.last.says(2);
  await calm();
  old.onclose?.();
  await calm();
  expect(heard).toEqual([[2]]);
});
