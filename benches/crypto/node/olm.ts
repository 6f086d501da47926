// Olm and Megolm of matrix.org in WASM, the C++ library. Its messages are Base64 texts, which is what it gives.

import Olm from '@matrix-org/olm';

import { fail, TEXT, timed, type Party } from './rows.ts';

interface Message {
  type: 0 | 1;
  body: string;
}

export async function olm(): Promise<Party> {
  await Olm.init();
  return { name: 'Olm', rows: { ...messages(), ...group(), ...handshake() } };
}

function account(): Olm.Account {
  const made = new Olm.Account();
  made.create();
  return made;
}

function identity(of: Olm.Account): string {
  return (JSON.parse(of.identity_keys()) as { curve25519: string }).curve25519;
}

function oneTimeKey(of: Olm.Account): string {
  of.generate_one_time_keys(1);
  const keys = JSON.parse(of.one_time_keys()) as { curve25519: Record<string, string> };
  of.mark_keys_as_published();
  return Object.values(keys.curve25519)[0] ?? fail('no key was made');
}

function pair(): [Olm.Session, Olm.Session] {
  const [from, to] = [account(), account()];
  const [alice, bob] = [new Olm.Session(), new Olm.Session()];
  alice.create_outbound(from, identity(to), oneTimeKey(to));
  const first = alice.encrypt(TEXT) as Message;
  bob.create_inbound(to, first.body);
  bob.decrypt(first.type, first.body);
  pass(bob, alice);
  pass(alice, bob);
  return [alice, bob];
}

function pass(from: Olm.Session, to: Olm.Session): void {
  const message = from.encrypt(TEXT);
  to.decrypt(message.type, message.body);
}

function messages(): Party['rows'] {
  const [sender] = pair();
  const [from, to] = pair();
  const [alice, bob] = pair();
  return {
    'encrypt steady 100 B': timed(
      () => null,
      () => sender.encrypt(TEXT),
    ),
    'decrypt steady 100 B': timed(
      () => from.encrypt(TEXT),
      (message) => to.decrypt(message.type, message.body),
    ),
    'ping-pong, both directions with agreement': timed(
      () => null,
      () => {
        pass(alice, bob);
        pass(bob, alice);
      },
    ),
  };
}

function group(): Party['rows'] {
  const [sender, from, to] = [
    new Olm.OutboundGroupSession(),
    new Olm.OutboundGroupSession(),
    new Olm.InboundGroupSession(),
  ];
  sender.create();
  from.create();
  to.create(from.session_key());
  return {
    'group encrypt 100 B': timed(
      () => null,
      () => sender.encrypt(TEXT),
    ),
    'group decrypt 100 B': timed(
      () => from.encrypt(TEXT),
      (message) => to.decrypt(message),
    ),
  };
}

/** Neither side checks a signature, and there is no post-quantum share. */
function handshake(): Party['rows'] {
  const [from, to] = [account(), account()];
  const [receiver, key] = [identity(to), oneTimeKey(to)];
  const first = (): string => {
    const session = new Olm.Session();
    session.create_outbound(from, receiver, key);
    const message = session.encrypt(TEXT);
    session.free();
    return message.body;
  };
  return {
    'first message, initiator': timed(() => null, first),
    'first message, responder': timed(first, (message) => {
      const session = new Olm.Session();
      session.create_inbound(to, message);
      session.decrypt(0, message);
      session.free();
    }),
  };
}
