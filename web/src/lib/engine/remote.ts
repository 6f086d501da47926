/** The facade in each tab. Its calls go to whoever owns the engine, this tab or another, and follow it. */
import type {
  AccountIntent,
  AccountView,
  ApprovalView,
  ChatChange,
  ChatView,
  ConnectionState,
  ContactView,
  DeviceView,
  EditView,
  Failure,
  FolderView,
  HistoryWaysView,
  InviteForm,
  InviteMadeView,
  MemberView,
  MessageView,
  PersonChange,
  PersonView,
  PlaceChange,
  PlaceSort,
  PlaceView,
  Position,
  PreviewView,
  ProfileView,
  TrustView,
  SearchPageView,
  SearchPosition,
  SettingView,
} from '../protocol/generated';
import { failures, type Answer, type Call, type Calls, type Method } from './calls';
import {
  type AccountAnswer,
  CoreError,
  type Core,
  type CoreEvent,
  type Judgment,
  type ServerState,
  type StorageKind,
  type TextOptions,
} from './core';
import type { Engine } from './core-worker';
import { newMessageId } from './message-id';
import {
  channels,
  own,
  type Answered,
  type Asked,
  type OwnerListener,
  type Shared,
  type StartEngine,
} from './owner';

interface Pending {
  call: Call;
  resolve: (value: never) => void;
  reject: (error: CoreError) => void;
}

/** Calls of one tab that wait at a time. */
const PENDING_MAX = 256;

export class SharedCore implements Core {
  readonly #space: string;
  readonly #tab = crypto.randomUUID();
  readonly #shared: BroadcastChannel;
  readonly #answers: BroadcastChannel;
  readonly #closing = new AbortController();
  readonly #pending = new Map<number, Pending>();
  readonly #hearers = new Set<(event: CoreEvent) => void>();
  readonly #ready = Promise.withResolvers<{ storage: StorageKind }>();
  #owner: string | null = null;
  #ownerSince = 0;
  #toOwner: Engine | null = null;
  #nextNumber = 1;
  #failure: Failure | null = null;

  constructor(space: string, start: StartEngine) {
    this.#space = space;
    this.#shared = channels.shared(space);
    this.#answers = channels.tab(space, this.#tab);
    this.#shared.onmessage = ({ data }: MessageEvent<Shared>) => this.#hear(data);
    this.#answers.onmessage = ({ data }: MessageEvent<Answered>) => this.#settle(data.number, data.answer);
    this.#shared.postMessage({ type: 'hello' } satisfies Shared);
    // Whoever asks only for `ready` later must not find an unhandled rejection.
    this.#ready.promise.catch(() => undefined);

    const listener: OwnerListener = {
      opened: (engine, since, storage) => this.#follow(this.#tab, since, storage, () => engine),
      answered: (number, answer) => this.#settle(number, answer),
      happened: (events) => this.#emit(events),
    };
    own(space, this.#tab, start, listener, this.#closing.signal).then(
      (failure) => this.#fail(failure ?? failures.stopped),
      () => this.#fail(failures.stopped),
    );
  }

  ready(): Promise<{ storage: StorageKind }> {
    return this.#ready.promise;
  }

  listen(hear: (event: CoreEvent) => void): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  server(): Promise<ServerState> {
    return this.#call('server');
  }

  account(): Promise<AccountView> {
    return this.#call('account');
  }

  connection(): Promise<ConnectionState> {
    return this.#call('connection');
  }

  async register(username: string, password: string, invite: string): Promise<void> {
    await this.#call('register', username, password, invite);
    void askToKeep(true);
  }

  async signIn(username: string, password: string, code?: string): Promise<void> {
    await this.#call('signIn', username, password, code);
    void askToKeep(true);
  }

  signOut(): Promise<void> {
    return this.#call('signOut');
  }

  async showLinkCode(): Promise<void> {
    await this.#call('showLinkCode');
    void askToKeep(true);
  }

  cancelJoining(): Promise<void> {
    return this.#call('cancelJoining');
  }

  async recover(username: string, words: string, password: string, strong: boolean): Promise<void> {
    await this.#call('recover', username, words, password, strong);
    void askToKeep(true);
  }

  historyWays(): Promise<HistoryWaysView> {
    return this.#call('historyWays');
  }

  async setHistoryPassword(password: string | null, words: string | null): Promise<void> {
    await this.#call('setHistoryPassword', password, words);
  }

  async resetIdentity(username: string, password: string, code?: string): Promise<void> {
    await this.#call('resetIdentity', username, password, code);
    void askToKeep(true);
  }

  askAccount(intent: AccountIntent): Promise<AccountAnswer> {
    return this.#call('askAccount', intent);
  }

  unknownWords(typed: string): Promise<number[]> {
    return this.#call('unknownWords', typed);
  }

  listApprovals(): Promise<ApprovalView[]> {
    return this.#call('listApprovals');
  }

  answerLink(link: string): Promise<void> {
    return this.#call('answerLink', link);
  }

  answerCode(code: string): Promise<void> {
    return this.#call('answerCode', code);
  }

  confirmLink(link: string, digits: string | null): Promise<void> {
    return this.#call('confirmLink', link, digits);
  }

  declineLink(link: string): Promise<void> {
    return this.#call('declineLink', link);
  }

  listDevices(): Promise<DeviceView[]> {
    return this.#call('listDevices');
  }

  renameDevice(device: number | null, name: string): Promise<void> {
    return this.#call('renameDevice', device, name);
  }

  revokeDevice(device: number): Promise<void> {
    return this.#call('revokeDevice', device);
  }

  listChats(): Promise<ChatView[]> {
    return this.#call('listChats');
  }

  listMessages(room: string, before: Position | null, limit: number): Promise<MessageView[]> {
    return this.#call('listMessages', room, before, limit);
  }

  listMessagesAround(room: string, message: string, each: number): Promise<MessageView[]> {
    return this.#call('listMessagesAround', room, message, each);
  }

  listMessagesAfter(room: string, after: Position, limit: number): Promise<MessageView[]> {
    return this.#call('listMessagesAfter', room, after, limit);
  }

  search(typed: string, behind: SearchPosition | null, limit: number): Promise<SearchPageView> {
    return this.#call('search', typed, behind, limit);
  }

  setChat(room: string, change: ChatChange): Promise<void> {
    return this.#call('setChat', room, change);
  }

  saveDraft(room: string, text: string | null): Promise<void> {
    return this.#call('saveDraft', room, text);
  }

  listFolders(): Promise<FolderView[]> {
    return this.#call('listFolders');
  }

  setFolder(id: string | null, name: string, rooms: string[]): Promise<void> {
    return this.#call('setFolder', id, name, rooms);
  }

  deleteFolder(id: string): Promise<void> {
    return this.#call('deleteFolder', id);
  }

  listSettings(): Promise<SettingView[]> {
    return this.#call('listSettings');
  }

  setSetting(name: string, value: string | null): Promise<void> {
    return this.#call('setSetting', name, value);
  }

  listContacts(): Promise<ContactView[]> {
    return this.#call('listContacts');
  }

  setPerson(account: string, change: PersonChange): Promise<void> {
    return this.#call('setPerson', account, change);
  }

  deleteRequest(room: string): Promise<void> {
    return this.#call('deleteRequest', room);
  }

  findPerson(username: string, expected: string | null): Promise<PersonView> {
    return this.#call('findPerson', username, expected);
  }

  openChat(account: string): Promise<string> {
    return this.#call('openChat', account);
  }

  async sendText(room: string, text: string, options: TextOptions = {}): Promise<string> {
    const { id = newMessageId(), replyTo, thread, mentions = [] } = options;
    await this.#call('sendText', room, id, text, replyTo, thread, mentions);
    return id;
  }

  markRead(room: string, message: string): Promise<void> {
    return this.#call('markRead', room, message);
  }

  retry(message: string): Promise<void> {
    return this.#call('retry', message);
  }

  discard(message: string): Promise<void> {
    return this.#call('discard', message);
  }

  listTrust(): Promise<TrustView[]> {
    return this.#call('listTrust');
  }

  profile(account: string): Promise<ProfileView> {
    return this.#call('profile', account);
  }

  compareSafetyCode(account: string, typed: string): Promise<void> {
    return this.#call('compareSafetyCode', account, typed);
  }

  judge(account: string, judgment: Judgment): Promise<void> {
    return this.#call('judge', account, judgment);
  }

  makeInvite(): Promise<{ token: string; expires: number }> {
    return this.#call('makeInvite');
  }

  recoveryWords(): Promise<string[]> {
    return this.#call('recoveryWords');
  }

  recoveryKeyKept(): Promise<void> {
    return this.#call('recoveryKeyKept');
  }

  editMessage(message: string, text: string): Promise<void> {
    return this.#call('editMessage', message, text);
  }

  deleteMessage(message: string, forEveryone: boolean): Promise<void> {
    return this.#call('deleteMessage', message, forEveryone);
  }

  react(message: string, emoji: string, on: boolean): Promise<void> {
    return this.#call('react', message, emoji, on);
  }

  pin(message: string, on: boolean): Promise<void> {
    return this.#call('pin', message, on);
  }

  async createPoll(
    room: string,
    question: string,
    options: string[],
    multiple: boolean,
    closesAt: number | null,
  ): Promise<string> {
    const id = newMessageId();
    await this.#call('createPoll', room, id, question, options, multiple, closesAt ?? undefined);
    return id;
  }

  vote(message: string, choices: number[]): Promise<void> {
    return this.#call('vote', message, Uint32Array.from(choices));
  }

  closePoll(message: string): Promise<void> {
    return this.#call('closePoll', message);
  }

  async forward(message: string, room: string): Promise<string> {
    const id = newMessageId();
    await this.#call('forward', message, room, id);
    return id;
  }

  setDisappearing(room: string, seconds: number): Promise<void> {
    return this.#call('setDisappearing', room, seconds);
  }

  listPinned(room: string): Promise<MessageView[]> {
    return this.#call('listPinned', room);
  }

  listThread(message: string): Promise<MessageView[]> {
    return this.#call('listThread', message);
  }

  listEdits(message: string): Promise<EditView[]> {
    return this.#call('listEdits', message);
  }

  listPlaces(): Promise<PlaceView[]> {
    return this.#call('listPlaces');
  }

  findPlace(place: string): Promise<PlaceView | null> {
    return this.#call('findPlace', place);
  }

  listMembers(place: string): Promise<MemberView[]> {
    return this.#call('listMembers', place);
  }

  listPeople(accounts: string[]): Promise<PersonView[]> {
    return this.#call('listPeople', accounts);
  }

  createPlace(kind: PlaceSort, name: string, people: string[]): Promise<{ place: string; room: string }> {
    return this.#call('createPlace', kind, name, people);
  }

  previewInvite(link: string): Promise<PreviewView> {
    return this.#call('previewInvite', link);
  }

  joinPlace(link: string): Promise<{ place: string; waiting: boolean }> {
    return this.#call('joinPlace', link);
  }

  makePlaceInvite(place: string, terms: InviteForm): Promise<InviteMadeView> {
    return this.#call('makePlaceInvite', place, terms);
  }

  letBackIn(place: string, former: string): Promise<void> {
    return this.#call('letBackIn', place, former);
  }

  changePlace(place: string, change: PlaceChange): Promise<void> {
    return this.#call('changePlace', place, change);
  }

  /** Lets go of everything, as a closed tab does. */
  close(): void {
    this.#fail(failures.stopped);
  }

  #call<M extends Method>(method: M, ...args: Calls[M]['args']): Promise<Calls[M]['result']> {
    if (this.#failure) return Promise.reject(new CoreError(this.#failure));
    if (this.#pending.size >= PENDING_MAX) return Promise.reject(new CoreError(failures.busy));
    const number = this.#nextNumber++;
    const call = { method, args } as unknown as Call;
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { call, resolve, reject });
      this.#toOwner?.call(this.#tab, number, call);
    });
  }

  #hear(heard: Shared): void {
    // This tab hears itself as its own owner already.
    if (heard.type === 'hello' || heard.owner === this.#tab) return;
    if (heard.type === 'events') {
      if (heard.owner === this.#owner) this.#emit(heard.events);
      return;
    }
    this.#follow(heard.owner, heard.since, heard.storage, () => {
      const channel = channels.owner(this.#space, heard.owner);
      return {
        call: (tab, number, call) => channel.postMessage({ tab, number, call } satisfies Asked),
        close: () => channel.close(),
      };
    });
  }

  /** Another owner: what waits is asked of it, for the one before may have died with the answer. */
  #follow(owner: string, since: number, storage: StorageKind, reach: () => Engine): void {
    // What an owner said before it died may arrive after its successor's word.
    if (this.#owner === owner || since < this.#ownerSince || this.#failure) return;
    const first = this.#owner === null;
    this.#toOwner?.close();
    this.#owner = owner;
    this.#ownerSince = since;
    this.#toOwner = reach();
    for (const [number, { call }] of this.#pending) this.#toOwner.call(this.#tab, number, call);
    this.#ready.resolve({ storage });
    if (first && storage === 'durable') void askToKeep(false);
    if (!first) this.#emit([{ type: 'owner' }]);
  }

  #settle(number: number, answer: Answer): void {
    const pending = this.#pending.get(number);
    if (!pending) return;
    this.#pending.delete(number);
    if (answer.ok) pending.resolve(answer.value as never);
    else pending.reject(new CoreError(answer.failure));
  }

  #emit(events: CoreEvent[]): void {
    for (const event of events) for (const hear of [...this.#hearers]) hear(event);
  }

  #fail(failure: Failure): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#closing.abort();
    this.#shared.close();
    this.#answers.close();
    this.#toOwner?.close();
    this.#ready.reject(new CoreError(failure));
    for (const { reject } of this.#pending.values()) reject(new CoreError(failure));
    this.#pending.clear();
  }
}

/**
 * Asks the browser never to clear this device away. Some browsers put it to the person, so `mayPrompt` is for the
 * moments when they will know why.
 */
async function askToKeep(mayPrompt: boolean): Promise<void> {
  try {
    if (await navigator.storage.persisted()) return;
    const { state } = await navigator.permissions.query({ name: 'persistent-storage' });
    if (mayPrompt || state === 'granted') await navigator.storage.persist();
  } catch {
    // A browser that does not know the question keeps or clears as it likes.
  }
}
