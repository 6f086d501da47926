/**
 * The worker that has the engine and its store. It alone loads the WASM module, and it alone speaks with the
 * server. The engine decides; this file carries.
 *
 * Invariant: one input at a time. Each is handled and stored in one synchronous call, and only what that call
 * released is sent or shown.
 */
import type { Failure } from '../protocol/generated';
import { failures, isFailure, type Answer, type Call, type FromWorker, type ToWorker } from './calls';
import type { CoreEvent, StorageKind } from './core';
import { KeyringLocked, NoKeyring, storeKey } from './keyring';
import { Connection, findServer, request } from './network';
import init, { Device, type Released, type Request } from './wasm/conclave_wasm';

/** One device in each browser profile, so far. */
const DEVICE = 'device';
/** How long a store that another worker still holds is tried for: a dying tab lets go of it in that time. */
const IN_USE_MS = 8_000;
/** Goals under way at a time. */
const ASKS_MAX = 256;
/** The largest delay of a timer. */
const DELAY_MAX = 2 ** 31 - 1;

type Outcome = Extract<Released['events'][number], { type: 'answer' }>['outcome'];

class Runtime {
  readonly #device: Device;
  readonly #connection = new Connection((heard) => {
    if (heard.type === 'open') this.#take(() => this.#device.connected());
    else if (heard.type === 'closed') this.#take(() => this.#device.disconnected());
    else this.#take(() => this.#device.frames(heard.frames));
  });
  readonly #asks = new Map<number, number>();
  /** Those whose answer says what it is of. */
  readonly #whole = new Set<number>();
  #nextAsk = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #broken = false;

  constructor(device: Device) {
    this.#device = device;
  }

  start(): void {
    addEventListener('online', () => this.#take(() => this.#device.start()));
    addEventListener('offline', () => this.#connection.lose());
    this.#take(() => this.#device.start());
  }

  /** Answers a call, at once or when its goal is reached. */
  call(number: number, call: Call): void {
    try {
      const device = this.#device;
      switch (call.method) {
        case 'server':
          void findServer().then((found) => answer(number, found));
          return;
        case 'account': {
          answer(number, { ok: true, value: device.account() });
          return;
        }
        case 'connection': {
          answer(number, { ok: true, value: device.connection() });
          return;
        }
        case 'listChats': {
          answer(number, { ok: true, value: device.listChats() });
          return;
        }
        case 'listMessages': {
          answer(number, { ok: true, value: device.listMessages(...call.args) });
          return;
        }
        case 'listMessagesAround': {
          answer(number, { ok: true, value: device.listMessagesAround(...call.args) });
          return;
        }
        case 'listMessagesAfter': {
          answer(number, { ok: true, value: device.listMessagesAfter(...call.args) });
          return;
        }
        case 'search': {
          answer(number, { ok: true, value: device.search(...call.args) });
          return;
        }
        case 'listFolders': {
          answer(number, { ok: true, value: device.listFolders() });
          return;
        }
        case 'listSettings': {
          answer(number, { ok: true, value: device.listSettings() });
          return;
        }
        case 'listContacts': {
          answer(number, { ok: true, value: device.listContacts() });
          return;
        }
        case 'listPinned': {
          answer(number, { ok: true, value: device.listPinned(...call.args) });
          return;
        }
        case 'listThread': {
          answer(number, { ok: true, value: device.listThread(...call.args) });
          return;
        }
        case 'listEdits': {
          answer(number, { ok: true, value: device.listEdits(...call.args) });
          return;
        }
        case 'listApprovals': {
          answer(number, { ok: true, value: device.listApprovals() });
          return;
        }
        case 'historyWays': {
          answer(number, { ok: true, value: device.historyWays() });
          return;
        }
        case 'listTrust': {
          answer(number, { ok: true, value: device.listTrust() });
          return;
        }
        case 'listPlaces': {
          answer(number, { ok: true, value: device.listPlaces() });
          return;
        }
        case 'findPlace': {
          answer(number, { ok: true, value: device.findPlace(...call.args) });
          return;
        }
        case 'listMembers': {
          answer(number, { ok: true, value: device.listMembers(...call.args) });
          return;
        }
        case 'listPeople': {
          answer(number, { ok: true, value: device.listPeople(...call.args) });
          return;
        }
        case 'unknownWords': {
          answer(number, { ok: true, value: [...device.unknownWords(...call.args)] });
          return;
        }
        default:
          this.#ask(number, call);
      }
    } catch (thrown) {
      if (isFailure(thrown)) refuse(number, thrown);
      else this.#break();
    }
  }

  #ask(number: number, call: Call): void {
    if (this.#asks.size >= ASKS_MAX) {
      refuse(number, failures.busy);
      return;
    }
    const ask = this.#nextAsk++;
    this.#asks.set(ask, number);
    try {
      if (call.method === 'askAccount') this.#whole.add(ask);
      this.#release(intend(this.#device, ask, call));
    } catch (thrown) {
      this.#asks.delete(ask);
      this.#whole.delete(ask);
      throw thrown;
    }
  }

  #take(input: () => Released): void {
    if (this.#broken) return;
    try {
      this.#release(input());
    } catch {
      this.#break();
    }
  }

  #release({ requests, events }: Released): void {
    for (const one of requests) this.#carry(one);
    const shown: CoreEvent[] = [];
    for (const event of events) {
      if (event.type === 'answer') this.#answer(event.ask, event.outcome);
      else shown.push(event);
    }
    if (shown.length > 0) tell({ type: 'events', events: shown });
  }

  #carry(one: Request): void {
    switch (one.type) {
      case 'http':
        void request(one).then((outcome) => {
          const { status, body } = outcome ?? { status: undefined, body: new Uint8Array() };
          this.#take(() => this.#device.http(one.id, status, body));
        });
        return;
      case 'connect': {
        this.#connection.open();
        return;
      }
      case 'disconnect': {
        this.#connection.close();
        return;
      }
      case 'frame': {
        this.#connection.send(one.bytes);
        return;
      }
      case 'wake_at':
        clearTimeout(this.#timer);
        this.#timer = setTimeout(
          () => this.#take(() => this.#device.tick()),
          Math.min(Math.max(one.at - Date.now(), 0), DELAY_MAX),
        );
    }
  }

  #answer(ask: number, outcome: Outcome): void {
    const number = this.#asks.get(ask);
    if (number === undefined) return;
    this.#asks.delete(ask);
    const whole = this.#whole.delete(ask);
    if (outcome.type === 'failed') refuse(number, outcome.failure);
    else answer(number, { ok: true, value: whole ? outcome : valueOf(outcome) });
  }

  /** The engine threw something that is no failure: it stopped in the middle, and what it holds is void. */
  #break(): void {
    if (this.#broken) return;
    this.#broken = true;
    clearTimeout(this.#timer);
    this.#connection.close();
    tell({ type: 'broken' });
  }
}

function intend(device: Device, ask: number, call: Call): Released {
  switch (call.method) {
    case 'register':
      return device.register(ask, ...call.args);
    case 'signIn':
      return device.signIn(ask, ...call.args);
    case 'signOut':
      return device.signOut(ask);
    case 'showLinkCode':
      return device.showLinkCode(ask);
    case 'cancelJoining':
      return device.cancelJoining(ask);
    case 'recover':
      return device.recover(ask, ...call.args);
    case 'setHistoryPassword': {
      const [password, words] = call.args;
      return device.setHistoryPassword(ask, password ?? undefined, words ?? undefined);
    }
    case 'resetIdentity':
      return device.resetIdentity(ask, ...call.args);
    case 'answerLink':
      return device.answerLink(ask, ...call.args);
    case 'answerCode':
      return device.answerCode(ask, ...call.args);
    case 'confirmLink':
      return device.confirmLink(ask, ...call.args);
    case 'declineLink':
      return device.declineLink(ask, ...call.args);
    case 'listDevices':
      return device.listDevices(ask);
    case 'renameDevice':
      return device.renameDevice(ask, ...call.args);
    case 'revokeDevice':
      return device.revokeDevice(ask, ...call.args);
    case 'findPerson':
      return device.findPerson(ask, ...call.args);
    case 'openChat':
      return device.openChat(ask, ...call.args);
    case 'sendText':
      return device.sendText(ask, ...call.args);
    case 'markRead':
      return device.markRead(ask, ...call.args);
    case 'setChat': {
      const [room, change] = call.args;
      return device.setChat(ask, room, JSON.stringify(change));
    }
    case 'saveDraft':
      return device.saveDraft(ask, ...call.args);
    case 'setFolder':
      return device.setFolder(ask, ...call.args);
    case 'deleteFolder':
      return device.deleteFolder(ask, ...call.args);
    case 'setSetting':
      return device.setSetting(ask, ...call.args);
    case 'setPerson': {
      const [account, change] = call.args;
      return device.setPerson(ask, account, JSON.stringify(change));
    }
    case 'deleteRequest':
      return device.deleteRequest(ask, ...call.args);
    case 'retry':
      return device.retry(ask, ...call.args);
    case 'discard':
      return device.discard(ask, ...call.args);
    case 'profile':
      return device.profile(ask, ...call.args);
    case 'compareSafetyCode':
      return device.compareSafetyCode(ask, ...call.args);
    case 'judge':
      return device.judge(ask, ...call.args);
    case 'makeInvite':
      return device.makeInvite(ask);
    case 'recoveryWords':
      return device.recoveryWords(ask);
    case 'recoveryKeyKept':
      return device.recoveryKeyKept(ask);
    case 'editMessage':
      return device.editMessage(ask, ...call.args);
    case 'deleteMessage':
      return device.deleteMessage(ask, ...call.args);
    case 'react':
      return device.react(ask, ...call.args);
    case 'pin':
      return device.pin(ask, ...call.args);
    case 'createPoll':
      return device.createPoll(ask, ...call.args);
    case 'vote':
      return device.vote(ask, ...call.args);
    case 'closePoll':
      return device.closePoll(ask, ...call.args);
    case 'forward':
      return device.forward(ask, ...call.args);
    case 'setDisappearing':
      return device.setDisappearing(ask, ...call.args);
    case 'createPlace':
      return device.createPlace(ask, ...call.args);
    case 'previewInvite':
      return device.previewInvite(ask, ...call.args);
    case 'joinPlace':
      return device.joinPlace(ask, ...call.args);
    case 'makePlaceInvite': {
      const [place, terms] = call.args;
      return device.makePlaceInvite(ask, place, JSON.stringify(terms));
    }
    case 'letBackIn':
      return device.letBackIn(ask, ...call.args);
    case 'askAccount': {
      const [intent] = call.args;
      return device.askAccount(ask, JSON.stringify(intent));
    }
    case 'changePlace': {
      const [place, change] = call.args;
      return device.changePlace(ask, place, JSON.stringify(change));
    }
    default:
      throw new TypeError(`${call.method} is no goal`);
  }
}

function valueOf(outcome: Exclude<Outcome, { type: 'failed' }>): Extract<Answer, { ok: true }>['value'] {
  switch (outcome.type) {
    case 'person':
      return outcome.person;
    case 'room':
      return outcome.room;
    case 'invite':
      return { token: outcome.token, expires: outcome.expires };
    case 'recovery_words':
      return outcome.words;
    case 'devices':
      return outcome.devices;
    case 'profile':
      return outcome.profile;
    case 'place':
      return { place: outcome.place, room: outcome.room };
    case 'preview':
      return outcome.preview;
    case 'joined':
      return { place: outcome.place, waiting: outcome.waiting };
    case 'place_invite':
      return outcome.invite;
    default:
      return undefined;
  }
}

async function open(): Promise<{ device: Device; storage: StorageKind }> {
  await init();
  try {
    return { device: await openDurable(), storage: 'durable' };
  } catch (thrown) {
    const unsupported =
      thrown instanceof NoKeyring || (isFailure(thrown) && thrown.code === 'storage_unsupported');
    if (!unsupported) throw thrown;
    return { device: Device.openInMemory(), storage: 'memory' };
  }
}

async function openDurable(): Promise<Device> {
  const key = await storeKey(DEVICE);
  try {
    const until = Date.now() + IN_USE_MS;
    for (let pause = 25; ; pause = Math.min(pause * 2, 400)) {
      try {
        return await Device.open(`${DEVICE}.db`, key);
      } catch (thrown) {
        if (!isFailure(thrown) || thrown.code !== 'storage_in_use' || Date.now() + pause > until)
          throw thrown;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  } finally {
    key.fill(0);
  }
}

function openingFailure(thrown: unknown): Failure | null {
  if (isFailure(thrown)) return thrown;
  if (thrown instanceof KeyringLocked) return failures.locked;
  // What IndexedDB throws; a full disk, most likely.
  return thrown instanceof DOMException ? failures.storage : null;
}

function answer(number: number, answer: Answer): void {
  tell({ type: 'answer', number, answer });
}

function refuse(number: number, failure: Failure): void {
  answer(number, { ok: false, failure });
}

function tell(message: FromWorker): void {
  postMessage(message);
}

const waiting: ToWorker[] = [];
onmessage = ({ data }: MessageEvent<ToWorker>) => waiting.push(data);

open().then(
  ({ device, storage }) => {
    const runtime = new Runtime(device);
    onmessage = ({ data }: MessageEvent<ToWorker>) => runtime.call(data.number, data.call);
    tell({ type: 'opened', storage });
    for (const { number, call } of waiting.splice(0)) runtime.call(number, call);
    runtime.start();
  },
  (thrown: unknown) => {
    const failure = openingFailure(thrown);
    // Anything else is a module that did not load: the page tries again.
    tell(failure ? { type: 'failed', failure } : { type: 'broken' });
  },
);
