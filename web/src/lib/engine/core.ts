/**
 * The one facade between the screens and the engine. It speaks goals, never primitives or keys.
 *
 * `worker` backs it in a browser; a desktop backend comes beside it. Nothing above this file knows which.
 */
import type {
  AccountView,
  ChatView,
  ConnectionState,
  Failure,
  MessageView,
  PersonView,
  Position,
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
}

/** What the screens are told, in every tab. */
export type CoreEvent =
  | { type: 'account' }
  | { type: 'connection'; state: ConnectionState }
  | { type: 'chats' }
  | { type: 'timeline'; room: string }
  | { type: 'arrived'; room: string; message: string }
  | { type: 'warning'; failure: Failure }
  /** Another tab took the engine over; whatever was shown may be asked for again. */
  | { type: 'owner' };

export interface Core {
  /** Resolves when the engine has opened the device's store; rejects with a `CoreError` when it cannot. */
  ready(): Promise<{ storage: StorageKind }>;
  /** Hears events until the returned function is called. */
  listen(hear: (event: CoreEvent) => void): () => void;

  server(): Promise<ServerState>;
  account(): Promise<AccountView>;
  connection(): Promise<ConnectionState>;
  register(username: string, password: string, invite: string): Promise<void>;
  signIn(username: string, password: string): Promise<void>;
  signOut(): Promise<void>;

  listChats(): Promise<ChatView[]>;
  /** Messages in order, oldest first: the newest `limit` ones, or those just before a position. */
  listMessages(room: string, before: Position | null, limit: number): Promise<MessageView[]>;
  /** `expected` is the account id of a contact link. */
  findPerson(username: string, expected: string | null): Promise<PersonView>;
  /** Returns the room. */
  openChat(account: string): Promise<string>;
  /** Resolves with the message's id once it is in the outbox on this device's disk. */
  sendText(room: string, text: string): Promise<string>;
  markRead(room: string, message: string): Promise<void>;
  retry(message: string): Promise<void>;
  discard(message: string): Promise<void>;

  /** The secret part of a registration invite link, for administrators. */
  makeInvite(): Promise<{ token: string; expires: number }>;
  recoveryWords(): Promise<string[]>;
  recoveryKeyKept(): Promise<void>;
}
