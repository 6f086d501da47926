/** The engine's door to the server: requests and the one live connection. Runs in the worker. */
import type { Failure } from '../protocol/generated';
import { failures, isFailure, type Answer } from './calls';
import type { ServerState } from './core';
import type { Request } from './wasm/conclave_wasm';

/** A request that takes longer has no answer. */
const TIMEOUT_MS = 30_000;
/** The largest answer: a page of 200 sealed messages, with room. */
const ANSWER_MAX = 16 * 1024 * 1024;
/** What may wait in a connection to be sent; more, and nobody is listening any longer. */
const UNSENT_MAX = 8 * 1024 * 1024;

export interface HttpAnswer {
  status: number;
  body: Uint8Array<ArrayBuffer>;
}

/** Sends a request of the engine; null when no answer came. */
export async function request(call: Extract<Request, { type: 'http' }>): Promise<HttpAnswer | null> {
  const headers = new Headers({ accept: 'application/json' });
  if (call.body) headers.set('content-type', 'application/json');
  if (call.bearer !== null) headers.set('authorization', `Bearer ${call.bearer}`);
  try {
    const response = await fetch(ownPath(call.path), {
      method: call.method,
      headers,
      body: call.body,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, body: await readBody(response) };
  } catch {
    return null;
  }
}

/** What anybody may know of the server. */
export async function findServer(): Promise<Answer> {
  const path = '/api/v1/server';
  const answer = await request({ type: 'http', id: 0, method: 'GET', path, body: null, bearer: null });
  const content = answer ? parse(answer.body) : {};
  const { name, needs_setup: needsSetup, registration: who } = content;
  const registration = typeof who === 'string' ? who : 'invite';
  return answer?.status === 200 && typeof name === 'string' && typeof needsSetup === 'boolean'
    ? { ok: true, value: { name, needsSetup, registration } satisfies ServerState }
    : { ok: false, failure: failureOf(content) };
}

/** Frames handed over at a time; what else is asked of the engine comes in between. */
const FRAMES_MAX = 64;

/** What is heard of the live connection. */
export type Heard = { type: 'open' } | { type: 'closed' } | { type: 'frames'; frames: Uint8Array[] };

/**
 * The live connection; at most one at a time, and nothing is heard of one that was given up.
 *
 * Frames wait for a turn of their own, so that all that arrived while the engine was busy is handed over together.
 */
export class Connection {
  readonly #hear: (heard: Heard) => void;
  readonly #turns = new MessageChannel();
  #arrived: Uint8Array[] = [];
  #socket: WebSocket | null = null;

  constructor(hear: (heard: Heard) => void) {
    this.#hear = hear;
    this.#turns.port1.onmessage = () => this.#handOver();
  }

  open(): void {
    this.close();
    const socket = new WebSocket(
      `${location.protocol === 'http:' ? 'ws' : 'wss'}://${location.host}/api/v1/ws`,
    );
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#hear({ type: 'open' });
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!(data instanceof ArrayBuffer)) return;
      this.#arrived.push(new Uint8Array(data));
      if (this.#arrived.length === 1) this.#turns.port2.postMessage(null);
    };
    socket.onclose = () => {
      // What the server said last is heard before its goodbye.
      while (this.#socket === socket && this.#arrived.length > 0) this.#handOver();
      if (this.#socket === socket) this.lose();
    };
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    const socket = this.#socket;
    // A frame for a connection that is gone: the engine hears that it is closed and sends again on the next one.
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > UNSENT_MAX) this.lose();
    else socket.send(frame);
  }

  /** Gives the connection up; nothing more is heard of it. */
  close(): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    this.#arrived = [];
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** The connection is gone, whatever the browser still believes. */
  lose(): void {
    if (!this.#socket) return;
    this.close();
    // Never in the middle of the input that noticed it.
    queueMicrotask(() => this.#hear({ type: 'closed' }));
  }

  #handOver(): void {
    const frames = this.#arrived.splice(0, FRAMES_MAX);
    if (this.#arrived.length > 0) this.#turns.port2.postMessage(null);
    if (frames.length > 0) this.#hear({ type: 'frames', frames });
  }
}

function ownPath(path: string): string {
  if (!path.startsWith('/api/')) throw new TypeError('not a path of the server');
  return path;
}

async function readBody(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(response.headers.get('content-length') ?? 0) > ANSWER_MAX) throw new RangeError('too large');
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); reader && part && !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > ANSWER_MAX) {
      await reader.cancel();
      throw new RangeError('too large');
    }
    parts.push(part.value);
  }
  const body = new Uint8Array(length);
  parts.reduce((at, part) => {
    body.set(part, at);
    return at + part.length;
  }, 0);
  return body;
}

function parse(body: Uint8Array): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** A server's problem as a failure; anything else means that no server of ours is there. */
function failureOf({ code, title }: Record<string, unknown>): Failure {
  const failure = { code, message: title, retry_after: null };
  return isFailure(failure) ? failure : failures.offline;
}
