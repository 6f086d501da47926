// libsignal as its own package for Node: native code behind promises, with stores in JavaScript. It has no build
// for browsers, so it is shown without a goal. AGPL: used here to be measured, linked into nothing.

import * as signal from '@signalapp/libsignal-client';

import { BYTES, fail, timedLater, type Party } from './rows.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const DISTRIBUTION = '6d6f6d65-6e74-4172-a92f-000000000001';
const TEXT = BYTES as Bytes;

class Identities extends signal.IdentityKeyStore {
  readonly key = signal.PrivateKey.generate();

  async getIdentityKey(): Promise<signal.PrivateKey> {
    return this.key;
  }

  async getLocalRegistrationId(): Promise<number> {
    return 1;
  }

  async saveIdentity(): Promise<signal.IdentityChange> {
    return signal.IdentityChange.NewOrUnchanged;
  }

  async isTrustedIdentity(): Promise<boolean> {
    return true;
  }

  async getIdentity(): Promise<signal.PublicKey | null> {
    return null;
  }
}

class OneSession extends signal.SessionStore {
  record: signal.SessionRecord | null = null;

  async saveSession(_name: signal.ProtocolAddress, record: signal.SessionRecord): Promise<void> {
    this.record = record;
  }

  async getSession(): Promise<signal.SessionRecord | null> {
    return this.record;
  }

  async getExistingSessions(): Promise<signal.SessionRecord[]> {
    return this.record ? [this.record] : [];
  }
}

class OneSenderKey extends signal.SenderKeyStore {
  record: signal.SenderKeyRecord | null = null;

  async saveSenderKey(
    _sender: signal.ProtocolAddress,
    _distribution: string,
    record: signal.SenderKeyRecord,
  ): Promise<void> {
    this.record = record;
  }

  async getSenderKey(): Promise<signal.SenderKeyRecord | null> {
    return this.record;
  }
}

class Prekeys extends signal.PreKeyStore {
  readonly record: signal.PreKeyRecord;

  constructor(key: signal.PrivateKey) {
    super();
    this.record = signal.PreKeyRecord.new(1, key.getPublicKey(), key);
  }

  async savePreKey(): Promise<void> {}

  async getPreKey(): Promise<signal.PreKeyRecord> {
    return this.record;
  }

  /** It stays for the next measurement. */
  async removePreKey(): Promise<void> {}
}

class SignedPrekeys extends signal.SignedPreKeyStore {
  readonly record: signal.SignedPreKeyRecord;

  constructor(key: signal.PrivateKey, signature: Bytes) {
    super();
    this.record = signal.SignedPreKeyRecord.new(2, Date.now(), key.getPublicKey(), key, signature);
  }

  async saveSignedPreKey(): Promise<void> {}

  async getSignedPreKey(): Promise<signal.SignedPreKeyRecord> {
    return this.record;
  }
}

class KyberPrekeys extends signal.KyberPreKeyStore {
  readonly record: signal.KyberPreKeyRecord;

  constructor(pair: signal.KEMKeyPair, signature: Bytes) {
    super();
    this.record = signal.KyberPreKeyRecord.new(3, Date.now(), pair, signature);
  }

  async saveKyberPreKey(): Promise<void> {}

  async getKyberPreKey(): Promise<signal.KyberPreKeyRecord> {
    return this.record;
  }

  async markKyberPreKeyUsed(): Promise<void> {}
}

/** A device with its prekeys. */
class Device {
  readonly address: signal.ProtocolAddress;
  readonly identities = new Identities();
  readonly oneTime = signal.PrivateKey.generate();
  readonly signed = signal.PrivateKey.generate();
  readonly kyber = signal.KEMKeyPair.generate();
  readonly signedSignature = this.identities.key.sign(this.signed.getPublicKey().serialize());
  readonly kyberSignature = this.identities.key.sign(this.kyber.getPublicKey().serialize());

  constructor(name: string) {
    this.address = signal.ProtocolAddress.new(name, 1);
  }

  bundle(): signal.PreKeyBundle {
    return signal.PreKeyBundle.new(
      1,
      1,
      1,
      this.oneTime.getPublicKey(),
      2,
      this.signed.getPublicKey(),
      this.signedSignature,
      this.identities.key.getPublicKey(),
      3,
      this.kyber.getPublicKey(),
      this.kyberSignature,
    );
  }

  async begin(peer: Device, sessions: OneSession): Promise<Bytes> {
    await signal.processPreKeyBundle(peer.bundle(), peer.address, this.address, sessions, this.identities);
    return this.send(peer, sessions);
  }

  async send(peer: Device, sessions: OneSession): Promise<Bytes> {
    const message = await signal.signalEncrypt(TEXT, peer.address, this.address, sessions, this.identities);
    return message.serialize();
  }

  async receive(peer: Device, sessions: OneSession, bytes: Bytes): Promise<Bytes> {
    const message = signal.SignalMessage.deserialize(bytes);
    return signal.signalDecrypt(message, peer.address, this.address, sessions, this.identities);
  }

  async answer(peer: Device, sessions: OneSession, first: Bytes): Promise<Bytes> {
    return signal.signalDecryptPreKey(
      signal.PreKeySignalMessage.deserialize(first),
      peer.address,
      this.address,
      sessions,
      this.identities,
      new Prekeys(this.oneTime),
      new SignedPrekeys(this.signed, this.signedSignature),
      new KyberPrekeys(this.kyber, this.kyberSignature),
    );
  }
}

/** Two devices with sessions that know each other. */
class Pair {
  readonly alice = new Device('6d6f6d65-6e74-4172-a92f-00000000000a');
  readonly bob = new Device('6d6f6d65-6e74-4172-a92f-00000000000b');
  readonly aliceSessions = new OneSession();
  readonly bobSessions = new OneSession();

  static async make(): Promise<Pair> {
    const pair = new Pair();
    const first = await pair.alice.begin(pair.bob, pair.aliceSessions);
    await pair.bob.answer(pair.alice, pair.bobSessions, first);
    await pair.pong();
    await pair.ping();
    return pair;
  }

  async ping(): Promise<void> {
    await this.bob.receive(this.alice, this.bobSessions, await this.send());
  }

  async pong(): Promise<void> {
    const message = await this.bob.send(this.alice, this.bobSessions);
    await this.alice.receive(this.bob, this.aliceSessions, message);
  }

  async send(): Promise<Bytes> {
    return this.alice.send(this.bob, this.aliceSessions);
  }
}

export async function libsignal(): Promise<Party> {
  return { name: 'libsignal', rows: { ...(await messages()), ...(await group()), ...handshake() } };
}

async function messages(): Promise<Party['rows']> {
  const [steady, receiving, turning] = [await Pair.make(), await Pair.make(), await Pair.make()];
  return {
    'encrypt steady 100 B': timedLater(
      () => null,
      () => steady.send(),
    ),
    'decrypt steady 100 B': timedLater(
      () => receiving.send(),
      (message) => receiving.bob.receive(receiving.alice, receiving.bobSessions, message),
    ),
    'ping-pong, both directions with agreement': timedLater(
      () => null,
      async () => {
        await turning.ping();
        await turning.pong();
      },
    ),
  };
}

async function group(): Promise<Party['rows']> {
  const sender = signal.ProtocolAddress.new('6d6f6d65-6e74-4172-a92f-00000000000c', 1);
  const [alone, from, to] = [new OneSenderKey(), new OneSenderKey(), new OneSenderKey()];
  await signal.SenderKeyDistributionMessage.create(sender, DISTRIBUTION, alone);
  const distribution = await signal.SenderKeyDistributionMessage.create(sender, DISTRIBUTION, from);
  await signal.processSenderKeyDistributionMessage(sender, distribution, to);
  const encrypt = async (store: OneSenderKey): Promise<Bytes> =>
    (await signal.groupEncrypt(sender, DISTRIBUTION, store, TEXT)).serialize();
  return {
    'group encrypt 100 B': timedLater(
      () => null,
      () => encrypt(alone),
    ),
    'group decrypt 100 B': timedLater(
      () => encrypt(from),
      (message) => signal.groupDecrypt(sender, to, message),
    ),
  };
}

function handshake(): Party['rows'] {
  const { alice, bob } = new Pair();
  const first = (): Promise<Bytes> => alice.begin(bob, new OneSession());
  return {
    'first message, initiator': timedLater(() => null, first),
    'first message, responder': timedLater(first, async (message) => {
      const text = await bob.answer(alice, new OneSession(), message);
      return text.length === TEXT.length || fail('it does not come back');
    }),
  };
}
