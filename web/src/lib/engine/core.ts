/**
 * The one facade between the screens and the engine. It speaks goals, never primitives or keys.
 *
 * `worker` backs it in a browser; a desktop backend comes beside it. Nothing above this file knows which.
 */
import type {
  AccountIntent,
  AccountView,
  AnnotationView,
  AnnouncementsView,
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
  Outcome,
  PersonChange,
  PersonView,
  PlaceChange,
  PlaceSort,
  PlaceView,
  Position,
  PreviewView,
  ProfileView,
  SearchPageView,
  SearchPosition,
  SettingView,
  SignalsView,
  TrustView,
} from '../protocol/generated';

/** A goal did not come about: a code to match, a sentence to show. */
export class CoreError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** Where this device keeps its data. */
export type StorageKind = 'durable' | 'memory';

/** What anybody may know before signing in. */
export interface ServerState {
  name: string;
  needsSetup: boolean;
  /** Who may register: `open`, `invite` or `closed`. */
  registration?: string;
}

/** What the screens are told, in every tab. */
export type CoreEvent =
  | { type: 'account' }
  | { type: 'connection'; state: ConnectionState }
  | { type: 'chats' }
  /** Who is there, who writes, or what was chosen about both changed. */
  | { type: 'signals'; signals: SignalsView }
  /** What the server says to everybody changed. */
  | { type: 'announcements'; announcements: AnnouncementsView }
  | { type: 'timeline'; room: string }
  /** `request` where its author's request was not accepted: nothing is told of it but that it is there. */
  | { type: 'arrived'; room: string; message: string; request: boolean }
  /** The own account's devices or their names changed. */
  | { type: 'devices' }
  /** Another device of the own account added one. */
  | { type: 'device_added'; name: string | null }
  /** What is to be approved changed. */
  | { type: 'approvals' }
  /** How people's identities stand, or what is known of them, changed. */
  | { type: 'people' }
  /** A group or community changed. */
  | { type: 'places'; place: string }
  /** Folders or settings of the person changed. */
  | { type: 'settings' }
  | { type: 'warning'; failure: Failure }
  /** Somebody else did something to a message: edited it, reacted, and the like. */
  | { type: 'annotated'; room: string; message: string; by: PersonView; what: AnnotationView }
  /** Another tab took the engine over; whatever was shown may be asked for again. */
  | { type: 'owner' };

/** What a person says about somebody's identity. */
export type Judgment = 'none' | 'verified' | 'accepted';

/** What goes with a text. */
export interface TextOptions {
  /** The message's id, where the caller made it (`newMessageId`). */
  id?: string;
  /** The message that it replies to. */
  replyTo?: string;
  /** The message whose thread it belongs to: its root, or any other one in it. */
  thread?: string;
  /** Account ids of whom it mentions; `'everyone'` for all in the room. */
  mentions?: string[];
}

/** What came of an `AccountIntent`. */
export type AccountAnswer = Exclude<Outcome, { type: 'failed' }>;

export interface Core {
  /** Resolves when the engine has opened the device's store; rejects with a `CoreError` when it cannot. */
  ready(): Promise<{ storage: StorageKind }>;
  /** Hears events until the returned function is called. */
  listen(hear: (event: CoreEvent) => void): () => void;

  server(): Promise<ServerState>;
  account(): Promise<AccountView>;
  connection(): Promise<ConnectionState>;
  register(username: string, password: string, invite: string): Promise<void>;
  /** Where this is no device of the account yet, it then waits for approval: the account is `joining`. */
  /** `code` is that of the second step, asked for (`second_step_needed`) once the password was right. */
  signIn(username: string, password: string, code?: string): Promise<void>;
  signOut(): Promise<void>;

  /** Shows a code with which another device adds this one: the account is `joining`, with a link. */
  showLinkCode(): Promise<void>;
  cancelJoining(): Promise<void>;
  /**
   * Comes back with the recovery key and gives the account a new password. Where the old one opened the history, a
   * `strong` one does, too.
   */
  recover(username: string, words: string, password: string, strong: boolean): Promise<void>;
  /** What opens the account's history; `account` tells when it changed. */
  historyWays(): Promise<HistoryWaysView>;
  /**
   * Lets the account's password, which has to be strong, open the history, too, or for `null` no longer. `words` are the
   * recovery key's, where this device does not have it.
   */
  setHistoryPassword(password: string | null, words: string | null): Promise<void>;
  /** Starts again under one's name with the password alone, as a new identity; the old one is lost. */
  resetIdentity(username: string, password: string, code?: string): Promise<void>;
  /**
   * Something about the own account's sign-in or the server's administration. Where it is refused as
   * `fresh_sign_in_needed`, the intent `prove` comes first.
   */
  askAccount(intent: AccountIntent): Promise<AccountAnswer>;
  /** The places, counted from 0, of typed words that no recovery key has. */
  unknownWords(typed: string): Promise<number[]>;

  /** New devices that wait for approval by this one. */
  listApprovals(): Promise<ApprovalView[]>;
  /** Begins to approve a device that waits. */
  answerLink(link: string): Promise<void>;
  /** Begins to approve a device by the code of its link; it then stands among the approvals. */
  answerCode(code: string): Promise<void>;
  /** Approves: with the six digits, or with none where the device's code was scanned. */
  confirmLink(link: string, digits: string | null): Promise<void>;
  declineLink(link: string): Promise<void>;

  /** The own account's devices, this one first. */
  listDevices(): Promise<DeviceView[]>;
  /** Names a device, this one for `null`; this one may be named before it has an account. */
  renameDevice(device: number | null, name: string): Promise<void>;
  /** Takes a device out of the account for good; this one forgets everything. */
  revokeDevice(device: number): Promise<void>;

  listChats(): Promise<ChatView[]>;
  /** Messages in order, oldest first: the newest `limit` ones, or those just before a position. */
  listMessages(room: string, before: Position | null, limit: number): Promise<MessageView[]>;
  /** A message with up to `each` ones before and behind it, oldest first. */
  listMessagesAround(room: string, message: string, each: number): Promise<MessageView[]>;
  /** Messages in order just behind a position. */
  listMessagesAfter(room: string, after: Position, limit: number): Promise<MessageView[]>;
  /**
   * Messages on this device that fit what was typed, newest first: words, "phrases", `from:`, `in:`, `has:link`,
   * `before:` and `after:`.
   */
  search(typed: string, behind: SearchPosition | null, limit: number): Promise<SearchPageView>;
  /** Sets something of a chat on all own devices; what is left out stays. */
  setChat(room: string, change: ChatChange): Promise<void>;
  /** Keeps what was begun to write in a chat, on all own devices. */
  saveDraft(room: string, text: string | null): Promise<void>;
  listFolders(): Promise<FolderView[]>;
  /** Changes a folder of chats, or makes one for `null`. */
  setFolder(id: string | null, name: string, rooms: string[]): Promise<void>;
  /** Its chats stay. */
  deleteFolder(id: string): Promise<void>;
  listSettings(): Promise<SettingView[]>;
  /** Sets something by name on all own devices; `null` takes it back. */
  setSetting(name: string, value: string | null): Promise<void>;
  /** Whom the person blocked or gave a name, by name; `people` tells when that changed. */
  listContacts(): Promise<ContactView[]>;
  /** Accepts somebody's request, blocks or names them, on all own devices; what is left out stays. */
  setPerson(account: string, change: PersonChange): Promise<void>;
  /** Deletes a request with all of its messages, on all own devices; nobody is told. */
  deleteRequest(room: string): Promise<void>;
  /** `expected` is the account id of a contact link. */
  findPerson(username: string, expected: string | null): Promise<PersonView>;
  /** Returns the room. */
  openChat(account: string): Promise<string>;
  /** Resolves with the message's id once it is in the outbox on this device's disk. */
  sendText(room: string, text: string, options?: TextOptions): Promise<string>;
  /** Writes an own text anew. */
  editMessage(message: string, text: string): Promise<void>;
  /** For everyone in the room, or on the own devices alone. */
  deleteMessage(message: string, forEveryone: boolean): Promise<void>;
  /** Reacts, or takes that back. */
  react(message: string, emoji: string, on: boolean): Promise<void>;
  /** Pins a message in its room, or unpins it. */
  pin(message: string, on: boolean): Promise<void>;
  /** Resolves with the message's id, as `sendText`. `closesAt` in Unix milliseconds, `null` for never. */
  createPoll(
    room: string,
    question: string,
    options: string[],
    multiple: boolean,
    closesAt: number | null,
  ): Promise<string>;
  /** Places of the chosen options, from 0; replaces the vote before, and none takes it back. */
  vote(message: string, choices: number[]): Promise<void>;
  closePoll(message: string): Promise<void>;
  /** Sends a text again to a room and says whose it was; resolves with the new message's id. */
  forward(message: string, room: string): Promise<string>;
  /** Seconds after which new messages of a direct chat disappear; 0 for never. */
  setDisappearing(room: string, seconds: number): Promise<void>;
  /** Pinned messages of a room, oldest first. */
  listPinned(room: string): Promise<MessageView[]>;
  /** A message and what hangs from it as its thread, oldest first. */
  listThread(message: string): Promise<MessageView[]>;
  /** What a text said, from the first version to the one that is shown. */
  listEdits(message: string): Promise<EditView[]>;
  markRead(room: string, message: string): Promise<void>;
  retry(message: string): Promise<void>;
  discard(message: string): Promise<void>;

  /** Everybody whose identity stands otherwise than believed at first sight. */
  listTrust(): Promise<TrustView[]>;
  /** What is known of somebody, or of the own account; `people` tells when the server added to it. */
  profile(account: string): Promise<ProfileView>;
  /** Compares what another person shows: their code, their link or their 60 digits. Where it fits, marks them. */
  compareSafetyCode(account: string, typed: string): Promise<void>;
  judge(account: string, judgment: Judgment): Promise<void>;

  /** The groups and communities, by what they are called. */
  listPlaces(): Promise<PlaceView[]>;
  findPlace(place: string): Promise<PlaceView | null>;
  /** The owner, then the highest, then by name. */
  listMembers(place: string): Promise<MemberView[]>;
  /** Who accounts are; unknown ones are left out. */
  listPeople(accounts: string[]): Promise<PersonView[]>;
  /** Makes a group or community and adds people by their accounts. */
  createPlace(kind: PlaceSort, name: string, people: string[]): Promise<{ place: string; room: string }>;
  /** What stands behind an invite's link, or behind its `/#/join/`. */
  previewInvite(link: string): Promise<PreviewView>;
  /** Joins; where `waiting`, somebody has to agree first. */
  joinPlace(link: string): Promise<{ place: string; waiting: boolean }>;
  makePlaceInvite(place: string, terms: InviteForm): Promise<InviteMadeView>;
  /** Everything that is one change: members, roles, names, channels, leaving, closing. */
  changePlace(place: string, change: PlaceChange): Promise<void>;
  /** Adds the account that somebody has who started again, and removes the one that they had. */
  letBackIn(place: string, former: string): Promise<void>;

  /** The secret part of a registration invite link, for administrators. */
  makeInvite(): Promise<{ token: string; expires: number }>;
  recoveryWords(): Promise<string[]>;
  recoveryKeyKept(): Promise<void>;
}
