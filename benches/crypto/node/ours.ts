// The cryptography of Conclave in WASM, as `cargo xtask wasm crypto` builds it.

import { createRequire } from 'node:module';
import { join } from 'node:path';

import { BYTES, fail, timed, type Measured, type Part, type Party } from './rows.ts';

interface Handle {
  free(): void;
}

interface Conversation extends Handle {
  seal(text: Uint8Array): Uint8Array;
  open(bytes: Uint8Array): Uint8Array;
}

interface Peer extends Handle {
  readonly peer?: never;
}

interface Device extends Handle {
  peer(): Peer;
  publish(): Uint8Array;
  begin(peer: Peer, bundle: Uint8Array): Conversation;
  answer(peer: Peer, first: Uint8Array): Conversation;
}

interface Room extends Handle {
  seal(text: Uint8Array): Uint8Array;
  open(bytes: Uint8Array): Uint8Array;
}

interface File extends Handle {
  open(): Uint8Array;
}

interface Content extends Handle {
  seal(text: Uint8Array): Uint8Array;
  open(sealed: Uint8Array): Uint8Array;
}

interface Parts extends Handle {
  agree(times: number): void;
  pair(times: number): void;
  encapsulate(times: number): void;
  decapsulate(times: number): void;
  verify(times: number): void;
  compress(times: number): void;
  seal(times: number): void;
  echo(bytes: Uint8Array): Uint8Array;
}

/** The bindings, as far as they are used; generated, so their own types are not there before the build. */
interface Bindings {
  Device: new (account: number) => Device;
  Room: new () => Room;
  Content: new () => Content;
  File: new (file: Uint8Array) => File;
  Parts: new () => Parts;
}

export function ours(name: string, folder: string): Party {
  const bindings = createRequire(import.meta.url)(join(folder, 'conclave_crypto_wasm.js')) as Bindings;
  return {
    name,
    rows: {
      ...messages(bindings),
      ...group(bindings),
      ...handshake(bindings),
      ...contents(bindings, '1 KB', 1000),
      ...contents(bindings, '28 KiB', 28 * 1024),
      ...files(bindings),
    },
    parts: parts(bindings),
  };
}

/** How often the rows need each primitive. What a row takes beyond them is copies, clearing and the rest. */
function parts({ Parts }: Bindings): Part[] {
  const made = new Parts();
  const inside = (work: (times: number) => void): Measured => {
    return (count) => {
      const started = performance.now();
      work(count);
      return performance.now() - started;
    };
  };
  const steady = { 'encrypt steady 100 B': 1, 'decrypt steady 100 B': 1 };
  return [
    {
      // The chain's two HMACs, keyed once, take 6; the message key's expansion to two blocks takes 7.
      name: 'SHA-256 compression',
      times: { 'encrypt steady 100 B': 13, 'decrypt steady 100 B': 13 },
      measured: inside((times) => made.compress(times)),
    },
    { name: 'ChaCha20-Poly1305', times: steady, measured: inside((times) => made.seal(times)) },
    {
      name: 'call from JavaScript',
      times: steady,
      measured: timed(
        () => null,
        () => made.echo(BYTES),
      ),
    },
    {
      // Four of the handshake and the ratchet's first. Olm makes three in all.
      name: 'X25519 agreement',
      times: { 'first message, initiator': 5, 'first message, responder': 5 },
      measured: inside((times) => made.agree(times)),
    },
    {
      name: 'X25519 pair',
      times: { 'first message, initiator': 2 },
      measured: inside((times) => made.pair(times)),
    },
    {
      name: 'ML-KEM check and encapsulation',
      times: { 'first message, initiator': 1 },
      measured: inside((times) => made.encapsulate(times)),
    },
    {
      name: 'ML-KEM expansion and decapsulation',
      times: { 'first message, responder': 1 },
      measured: inside((times) => made.decapsulate(times)),
    },
    {
      name: 'Ed25519 verification',
      times: { 'first message, initiator': 1 },
      measured: inside((times) => made.verify(times)),
    },
  ];
}

/** Two conversations that know each other. */
function pair({ Device }: Bindings): [Conversation, Conversation] {
  const [from, to] = [new Device(1), new Device(2)];
  const alice = from.begin(to.peer(), to.publish());
  const bob = to.answer(from.peer(), alice.seal(BYTES));
  alice.open(bob.seal(BYTES));
  bob.open(alice.seal(BYTES));
  return [alice, bob];
}

function messages(bindings: Bindings): Party['rows'] {
  const [sender] = pair(bindings);
  const [from, to] = pair(bindings);
  const [alice, bob] = pair(bindings);
  return {
    'encrypt steady 100 B': timed(
      () => null,
      () => sender.seal(BYTES),
    ),
    'decrypt steady 100 B': timed(
      () => from.seal(BYTES),
      (message) => to.open(message),
    ),
    'ping-pong, both directions with agreement': timed(
      () => null,
      () => {
        bob.open(alice.seal(BYTES));
        alice.open(bob.seal(BYTES));
      },
    ),
  };
}

function group({ Room }: Bindings): Party['rows'] {
  const [sender, room] = [new Room(), new Room()];
  return {
    'group encrypt 100 B': timed(
      () => null,
      () => sender.seal(BYTES),
    ),
    'group decrypt 100 B': timed(
      () => room.seal(BYTES),
      (message) => room.open(message),
    ),
  };
}

function handshake({ Device }: Bindings): Party['rows'] {
  const [from, to] = [new Device(1), new Device(2)];
  const [sender, receiver] = [from.peer(), to.peer()];
  const bundle = to.publish();
  const first = (): Uint8Array => {
    const conversation = from.begin(receiver, bundle);
    const message = conversation.seal(BYTES);
    conversation.free();
    return message;
  };
  return {
    'first message, initiator': timed(() => null, first),
    'first message, responder': timed(first, (message) => to.answer(sender, message).free()),
  };
}

function contents({ Content }: Bindings, size: '1 KB' | '28 KiB', length: number): Record<string, Measured> {
  const key = new Content();
  const text = new Uint8Array(length).fill(0x61);
  const sealed = key.seal(text);
  if (key.open(sealed).length !== length) {
    fail('a content does not come back');
  }
  return {
    [`AEAD seal ${size}`]: timed(
      () => null,
      () => key.seal(text),
    ),
    [`AEAD open ${size}`]: timed(
      () => null,
      () => key.open(sealed),
    ),
  };
}

function files({ File }: Bindings): Record<string, Measured> {
  const bytes = new Uint8Array(64 * 1024).fill(0x61);
  const sealed = new File(bytes);
  if (sealed.open().length !== bytes.length) {
    fail('a file does not come back');
  }
  return {
    'AEAD seal 64 KiB, as a file': timed(
      () => null,
      () => new File(bytes).free(),
    ),
    'AEAD open 64 KiB, as a file': timed(
      () => null,
      () => sealed.open(),
    ),
  };
}
