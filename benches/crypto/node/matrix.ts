// The Matrix SDK's cryptography in WASM: a whole machine with its stores in memory, events in JSON. Only the rows
// that it shares are measured: group messages, and the first message to a device (claimed key to sealed event).

import * as sdk from '@matrix-org/matrix-sdk-crypto-wasm';

import { fail, TEXT, timedLater, type Party } from './rows.ts';

const ROOM = '!room:conclave.test';

type Json = Record<string, unknown>;

/** A machine with the keys that it would have uploaded. */
class Machine {
  readonly user: string;
  readonly device: string;
  readonly machine: sdk.OlmMachine;
  keys: Json = {};
  oneTimeKeys: Json = {};

  private constructor(user: string, device: string, machine: sdk.OlmMachine) {
    this.user = user;
    this.device = device;
    this.machine = machine;
  }

  static async make(user: string, device: string): Promise<Machine> {
    const machine = await sdk.OlmMachine.initialize(new sdk.UserId(user), new sdk.DeviceId(device));
    const made = new Machine(user, device, machine);
    for (const request of await machine.outgoingRequests()) {
      if (request.type === sdk.RequestType.KeysUpload) {
        const body = JSON.parse((request as sdk.KeysUploadRequest).body) as Json;
        made.keys = body['device_keys'] as Json;
        made.oneTimeKeys = body['one_time_keys'] as Json;
        await machine.markRequestAsSent(
          (request as sdk.KeysUploadRequest).id,
          sdk.RequestType.KeysUpload,
          JSON.stringify({ one_time_key_counts: { signed_curve25519: 50 } }),
        );
      }
    }
    return made;
  }

  /** Learns of the other's device, up to the claim of one of its keys, which is given back with its answer. */
  async meet(peer: Machine): Promise<{ id: string; answer: string }> {
    const users = (): sdk.UserId[] => [new sdk.UserId(peer.user)];
    await this.machine.updateTrackedUsers(users());
    const answer = JSON.stringify({
      device_keys: { [peer.user]: { [peer.device]: peer.keys } },
      failures: {},
    });
    for (const request of await this.machine.outgoingRequests()) {
      if (request.type === sdk.RequestType.KeysQuery) {
        await this.machine.markRequestAsSent(
          (request as sdk.KeysQueryRequest).id,
          sdk.RequestType.KeysQuery,
          answer,
        );
      }
    }
    const claim = (await this.machine.getMissingSessions(users())) ?? fail('there is a session already');
    const [name, key] = Object.entries(peer.oneTimeKeys)[0] ?? fail('there are no keys');
    const claimed = { one_time_keys: { [peer.user]: { [peer.device]: { [name]: key } } }, failures: {} };
    return { id: claim.id, answer: JSON.stringify(claimed) };
  }

  async encrypt(): Promise<string> {
    const content = JSON.stringify({ msgtype: 'm.text', body: TEXT });
    return this.machine.encryptRoomEvent(new sdk.RoomId(ROOM), 'm.room.message', content);
  }
}

export async function matrixSdk(): Promise<Party> {
  await sdk.initAsync();
  const silent = sdk.LoggerLevel.Error;
  new sdk.Tracing(silent).turnOn();
  return { name: 'Matrix SDK', rows: { ...(await group()), ...(await handshake()) } };
}

async function group(): Promise<Party['rows']> {
  const from = await Machine.make('@alice:conclave.test', 'ALICE');
  const to = await Machine.make('@bob:conclave.test', 'BOB');
  const claim = await from.meet(to);
  await to.meet(from);
  await from.machine.markRequestAsSent(claim.id, sdk.RequestType.KeysClaim, claim.answer);
  const settings = new sdk.EncryptionSettings();
  settings.rotationPeriodMessages = 1_000_000_000n;
  const requests = await from.machine.shareRoomKey(new sdk.RoomId(ROOM), [new sdk.UserId(to.user)], settings);
  for (const request of requests) {
    const body = JSON.parse(request.body) as { messages: Record<string, Record<string, Json>> };
    const content = body.messages[to.user]?.[to.device] ?? fail('the room key is for nobody');
    const event = { sender: from.user, type: request.event_type, content };
    await to.machine.receiveSyncChanges(JSON.stringify([event]), new sdk.DeviceLists(), new Map());
    await from.machine.markRequestAsSent(request.id, sdk.RequestType.ToDevice, '{}');
  }
  const trust = (): sdk.DecryptionSettings => new sdk.DecryptionSettings(sdk.TrustRequirement.Untrusted);
  let number = 0;
  return {
    'group encrypt 100 B': timedLater(
      () => null,
      () => from.encrypt(),
    ),
    'group decrypt 100 B': timedLater(
      async () => {
        number++;
        return JSON.stringify({
          sender: from.user,
          event_id: `$${number}:conclave.test`,
          type: 'm.room.encrypted',
          origin_server_ts: Date.now(),
          room_id: ROOM,
          content: JSON.parse(await from.encrypt()) as Json,
        });
      },
      (event) => to.machine.decryptRoomEvent(event, new sdk.RoomId(ROOM), trust()),
    ),
  };
}

async function handshake(): Promise<Party['rows']> {
  const to = await Machine.make('@carol:conclave.test', 'CAROL');
  let number = 0;
  return {
    'first message, initiator': timedLater(
      async () => {
        number++;
        const from = await Machine.make(`@dan${number}:conclave.test`, 'DAN');
        return { from, claim: await from.meet(to) };
      },
      async ({ from, claim }) => {
        await from.machine.markRequestAsSent(claim.id, sdk.RequestType.KeysClaim, claim.answer);
        const device = await from.machine.getDevice(new sdk.UserId(to.user), new sdk.DeviceId(to.device));
        return (device ?? fail('the device is not known')).encryptToDeviceEvent('m.text', { body: TEXT });
      },
    ),
  };
}
