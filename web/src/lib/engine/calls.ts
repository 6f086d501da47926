/** What a tab may ask of the engine, and what crosses between tabs and worker. Everything here can be cloned. */
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
import type { AccountAnswer, CoreEvent, Judgment, ServerState, StorageKind } from './core';

export interface Calls {
  server: { args: []; result: ServerState };
  account: { args: []; result: AccountView };
  connection: { args: []; result: ConnectionState };
  listChats: { args: []; result: ChatView[] };
  listMessages: { args: [room: string, before: Position | null, limit: number]; result: MessageView[] };
  register: { args: [username: string, password: string, invite: string]; result: undefined };
  signIn: { args: [username: string, password: string, code: string | undefined]; result: undefined };
  signOut: { args: []; result: undefined };
  showLinkCode: { args: []; result: undefined };
  cancelJoining: { args: []; result: undefined };
  recover: { args: [username: string, words: string, password: string, strong: boolean]; result: undefined };
  historyWays: { args: []; result: HistoryWaysView };
  setHistoryPassword: { args: [password: string | null, words: string | null]; result: undefined };
  resetIdentity: { args: [username: string, password: string, code: string | undefined]; result: undefined };
  askAccount: { args: [intent: AccountIntent]; result: AccountAnswer };
  unknownWords: { args: [typed: string]; result: number[] };
  listApprovals: { args: []; result: ApprovalView[] };
  answerLink: { args: [link: string]; result: undefined };
  answerCode: { args: [code: string]; result: undefined };
  confirmLink: { args: [link: string, digits: string | null]; result: undefined };
  declineLink: { args: [link: string]; result: undefined };
  listDevices: { args: []; result: DeviceView[] };
  renameDevice: { args: [device: number | null, name: string]; result: undefined };
  revokeDevice: { args: [device: number]; result: undefined };
  findPerson: { args: [username: string, expected: string | null]; result: PersonView };
  openChat: { args: [account: string]; result: string };
  sendText: {
    args: [
      room: string,
      id: string,
      text: string,
      replyTo: string | undefined,
      thread: string | undefined,
      mentions: string[],
    ];
    result: undefined;
  };
  markRead: { args: [room: string, message: string]; result: undefined };
  listMessagesAround: { args: [room: string, message: string, each: number]; result: MessageView[] };
  listMessagesAfter: { args: [room: string, after: Position, limit: number]; result: MessageView[] };
  search: { args: [typed: string, behind: SearchPosition | null, limit: number]; result: SearchPageView };
  setChat: { args: [room: string, change: ChatChange]; result: undefined };
  saveDraft: { args: [room: string, text: string | null]; result: undefined };
  listFolders: { args: []; result: FolderView[] };
  setFolder: { args: [id: string | null, name: string, rooms: string[]]; result: undefined };
  deleteFolder: { args: [id: string]; result: undefined };
  listSettings: { args: []; result: SettingView[] };
  setSetting: { args: [name: string, value: string | null]; result: undefined };
  listContacts: { args: []; result: ContactView[] };
  setPerson: { args: [account: string, change: PersonChange]; result: undefined };
  deleteRequest: { args: [room: string]; result: undefined };
  retry: { args: [message: string]; result: undefined };
  discard: { args: [message: string]; result: undefined };
  listTrust: { args: []; result: TrustView[] };
  profile: { args: [account: string]; result: ProfileView };
  compareSafetyCode: { args: [account: string, typed: string]; result: undefined };
  judge: { args: [account: string, judgment: Judgment]; result: undefined };
  makeInvite: { args: []; result: { token: string; expires: number } };
  recoveryWords: { args: []; result: string[] };
  recoveryKeyKept: { args: []; result: undefined };
  editMessage: { args: [message: string, text: string]; result: undefined };
  deleteMessage: { args: [message: string, forEveryone: boolean]; result: undefined };
  react: { args: [message: string, emoji: string, on: boolean]; result: undefined };
  pin: { args: [message: string, on: boolean]; result: undefined };
  createPoll: {
    args: [
      room: string,
      id: string,
      question: string,
      options: string[],
      multiple: boolean,
      closesAt: number | undefined,
    ];
    result: undefined;
  };
  vote: { args: [message: string, choices: Uint32Array]; result: undefined };
  closePoll: { args: [message: string]; result: undefined };
  forward: { args: [message: string, room: string, id: string]; result: undefined };
  setDisappearing: { args: [room: string, seconds: number]; result: undefined };
  listPinned: { args: [room: string]; result: MessageView[] };
  listThread: { args: [message: string]; result: MessageView[] };
  listEdits: { args: [message: string]; result: EditView[] };
  listPlaces: { args: []; result: PlaceView[] };
  findPlace: { args: [place: string]; result: PlaceView | null };
  listMembers: { args: [place: string]; result: MemberView[] };
  listPeople: { args: [accounts: string[]]; result: PersonView[] };
  createPlace: {
    args: [kind: PlaceSort, name: string, people: string[]];
    result: { place: string; room: string };
  };
  previewInvite: { args: [link: string]; result: PreviewView };
  joinPlace: { args: [link: string]; result: { place: string; waiting: boolean } };
  makePlaceInvite: { args: [place: string, terms: InviteForm]; result: InviteMadeView };
  letBackIn: { args: [place: string, former: string]; result: undefined };
  changePlace: { args: [place: string, change: PlaceChange]; result: undefined };
}

export type Method = keyof Calls;
export type Call = { [M in Method]: { method: M; args: Calls[M]['args'] } }[Method];
export type Answer = { ok: true; value: Calls[Method]['result'] } | { ok: false; failure: Failure };

/** From the page that owns the engine to its worker. */
export interface ToWorker {
  number: number;
  call: Call;
}

/** From the worker to the page that owns it. */
export type FromWorker =
  | { type: 'opened'; storage: StorageKind }
  | { type: 'failed'; failure: Failure }
  | { type: 'answer'; number: number; answer: Answer }
  | { type: 'events'; events: CoreEvent[] }
  /** The engine stopped in the middle of something and has to be started again. */
  | { type: 'broken' };

/** Failures of this side of the facade; the engine has its own. */
export const failures = {
  offline: {
    code: 'offline',
    message: 'The server cannot be reached. Check your connection and try again.',
    retry_after: null,
  },
  busy: { code: 'busy', message: 'This is under way already. Wait a moment.', retry_after: null },
  storage: {
    code: 'storage',
    message: 'This device could not store that; nothing was sent. Make room on the disk and try again.',
    retry_after: null,
  },
  locked: {
    code: 'storage_locked',
    message: 'The data on this device cannot be opened.',
    retry_after: null,
  },
  insecure: {
    code: 'insecure_page',
    message: 'This page came over an open connection, where a browser keeps no keys. Open it with https://.',
    retry_after: null,
  },
  stopped: {
    code: 'engine_stopped',
    message: 'Something went wrong here. Try again; reload the page if it stays.',
    retry_after: null,
  },
} as const satisfies Record<string, Failure>;

/** Whether something that was thrown is a failure that a person may see. */
export function isFailure(thrown: unknown): thrown is Failure {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    'code' in thrown &&
    typeof thrown.code === 'string' &&
    'message' in thrown &&
    typeof thrown.message === 'string' &&
    !(thrown instanceof Error)
  );
}
