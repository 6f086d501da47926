import {
  type AccountAnswer,
  type Core,
  CoreError,
  type CoreEvent,
  type Judgment,
  type ServerState,
  type StorageKind,
  type TextOptions,
} from '../lib/engine/core';
import type {
  AccountIntent,
  AccountListedView,
  AccountView,
  AdminIntent,
  AnnouncementListedView,
  AnnouncementsView,
  ApprovalStep,
  ApprovalView,
  AuditLineView,
  ChatChange,
  ChatView,
  ConnectionState,
  ContactView,
  DeliveryView,
  DeviceView,
  EditView,
  Failure,
  FiguresView,
  FolderView,
  HistoryWaysView,
  InviteForm,
  JoiningView,
  LoginView,
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
  RegistrationInviteView,
  ReportPreviewView,
  ReportView,
  SearchPosition,
  PushView,
  SecondStepView,
  SettingView,
  SignalsView,
  StandingView,
} from '../lib/protocol/generated';

const MINUTE = 60_000;

export function failure(code: string, message = `Said by ${code}.`): Failure {
  return { code, message, retry_after: null };
}

export function refuse(code: string, message?: string, retryAfter: number | null = null): CoreError {
  return new CoreError({ ...failure(code, message), retry_after: retryAfter });
}

/** A contract-abiding engine in memory, for tests and the gallery. Nothing is sealed and nothing leaves the page. */
export class FakeCore implements Core {
  storage: StorageKind = 'durable';
  serverState: ServerState = { name: 'Lighthouse', needsSetup: false };
  accountView: AccountView = { type: 'none' };
  connectionState: ConnectionState = 'online';
  words =
    'abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve acid acoustic acquire across act action actor actress actual'.split(
      ' ',
    );
  people: PersonView[] = [];
  chats: ChatView[] = [];
  approvals: ApprovalView[] = [];
  devices: DeviceView[] = [];
  /** How identities stand, by account; others are believed at first sight. */
  readonly standings = new Map<string, StandingView>();
  /** The account that has an account's name now. */
  readonly successors = new Map<string, string>();
  /** What profiles say otherwise than usual. */
  readonly profiles = new Map<string, Partial<ProfileView>>();
  /** Who is blocked, or has a name here. */
  contacts: ContactView[] = [];
  folders: FolderView[] = [];
  settings: SettingView[] = [];
  signals: SignalsView = {
    own: { availability: 'automatic', last_seen: 'contacts', receipts: true, typing: true },
    people: [],
    typing: [],
  };
  places: PlaceView[] = [];
  /** Members by place. */
  readonly members = new Map<string, MemberView[]>();
  /** What stands behind every invite's link. */
  preview: PreviewView | null = null;
  /** The account has other devices and this is none of them: signing in waits for approval. */
  elsewhere = false;
  now = () => Date.now();
  /** What the next call of a goal does instead: reject with this, or never end. */
  readonly faults = new Map<keyof Core, CoreError | 'never'>();
  /** What was asked for, in order. */
  readonly calls: [string, ...unknown[]][] = [];

  readonly #hearers = new Set<(event: CoreEvent) => void>();
  readonly #messages = new Map<string, MessageView[]>();
  readonly #edits = new Map<string, EditView[]>();
  #ordinal = 0;
  #sequence = 0;

  // What the world does to the engine.

  emit(event: CoreEvent): void {
    for (const hear of [...this.#hearers]) hear(event);
  }

  signedIn(username: string, options: { administrator?: boolean; offerRecoveryKey?: boolean } = {}): this {
    const account = `account-${username}`;
    this.accountView = {
      type: 'signed_in',
      person: { account, username },
      administrator: options.administrator ?? false,
      offer_recovery_key: options.offerRecoveryKey ?? false,
      contact_link: `/#/contact/${username}/${account}`,
    };
    return this;
  }

  person(username: string): PersonView {
    const known = this.people.find((person) => person.username === username);
    const person = known ?? { account: `account-${username}`, username };
    if (!known) this.people.push(person);
    return person;
  }

  chat(username: string, unread = 0): ChatView {
    const person = this.person(username);
    const own = 'person' in this.accountView ? this.accountView.person.account : '';
    const chat: ChatView = {
      room: `room-${username}`,
      kind: 'direct',
      title: username,
      person,
      saved: person.account === own,
      place: null,
      posting: { type: 'allowed' },
      last: null,
      unread,
      active_at: this.now(),
      disappearing: 0,
      favourite: false,
      muted_until: null,
      archived: false,
      marked_unread: false,
      level: 'everything',
      draft: null,
      request: false,
      blocked: false,
    };
    this.chats.push(chat);
    return chat;
  }

  /** A group or community of which the own account is a member, with the chats of its rooms. */
  place(kind: PlaceSort, title: string, change: Partial<PlaceView> = {}): PlaceView {
    const id = `place-${title}`;
    const room = `room-${title}`;
    const policy = {
      history: false,
      disappearing: 0,
      slow_mode: 0,
      posting: null,
      read_only: false,
      archived: false,
      keep_nothing: false,
    };
    const place: PlaceView = {
      place: id,
      kind,
      title,
      topic: null,
      description: null,
      icon: null,
      state: { type: 'member' },
      disputed: null,
      names_missing: false,
      owner: 'account-owner',
      is_owner: false,
      rank: 0,
      own_roles: [],
      permissions: ['post', 'react', 'invite'],
      members: 3,
      room: kind === 'group' ? room : null,
      channels:
        kind === 'group'
          ? []
          : [
              {
                channel: 2,
                room,
                kind: 'text',
                title: 'general',
                topic: null,
                category: null,
                position: 0,
                readers: null,
                members: 3,
                policy,
                posting: { type: 'allowed' },
                unread: 0,
              },
            ],
      categories: [],
      roles: [],
      requests: [],
      returned: [],
      invites: [],
      bans: [],
      policy,
      unread: 0,
      ...change,
    };
    this.places.push(place);
    this.chats.push({
      room,
      kind: kind === 'group' ? 'group' : 'channel',
      title: kind === 'group' ? title : 'general',
      person: null,
      saved: false,
      place: {
        place: id,
        kind,
        title,
        icon: place.icon,
        channel: kind === 'group' ? null : 2,
        members: place.members,
        state: place.state,
      },
      posting: { type: 'allowed' },
      last: null,
      unread: 0,
      active_at: this.now(),
      disappearing: place.policy.disappearing,
      favourite: false,
      muted_until: null,
      archived: false,
      marked_unread: false,
      level: 'everything',
      draft: null,
      request: false,
      blocked: false,
    });
    return place;
  }

  /** Waits to be approved: by code, unless a link is given. */
  joining(change: Partial<JoiningView> = {}): this {
    const before =
      this.accountView.type === 'joining'
        ? this.accountView.joining
        : { username: 'jonas', link: null, digits: null, expires: Date.now() + 10 * MINUTE - 500 };
    this.accountView = { type: 'joining', joining: { step: { type: 'waiting' }, ...before, ...change } };
    return this;
  }

  /** A new device waits here, or its approval goes on. */
  approval(link: string, step: ApprovalStep, name: string | null = null): this {
    const known = this.approvals.find((one) => one.link === link);
    if (known) this.approvals = this.approvals.map((one) => (one === known ? { ...one, step, name } : one));
    else this.approvals.push({ link, name, step, expires: Date.now() + 10 * MINUTE - 500 });
    this.emit({ type: 'approvals' });
    return this;
  }

  device(name: string | null, change: Partial<DeviceView> = {}): this {
    this.devices.push({
      device: this.devices.length,
      name,
      this: this.devices.length === 0,
      added_at: this.now(),
      seen_at: this.now(),
      connected: true,
      signed_in: true,
      ...change,
    });
    return this;
  }

  /** Puts a message at the end of a room, without telling anybody. */
  put(chat: ChatView, message: Partial<MessageView> & { text?: string }): MessageView {
    const { text, ...rest } = message;
    const mine = rest.mine ?? false;
    const waits = rest.delivery?.type === 'queued' || rest.delivery?.type === 'failed';
    this.#ordinal += 1;
    if (!waits) this.#sequence += 1;
    const made: MessageView = {
      id: `message-${this.#ordinal}`,
      room: chat.room,
      author: mine ? 'me' : (chat.person?.account ?? 'account-somebody'),
      mine,
      sent_at: this.now(),
      delivery: { type: mine ? 'sent' : 'received' },
      missing_before: 0,
      body: { type: 'text', text: text ?? `Message ${this.#ordinal}` },
      position: { sequence: waits ? null : this.#sequence, ordinal: this.#ordinal },
      reply: null,
      edited_at: null,
      reactions: [],
      pinned: false,
      thread: null,
      forwarded: null,
      expires_at: null,
      mentions_me: false,
      can: {
        edit: mine,
        delete_for_everyone: mine,
        react: true,
        pin: true,
        reply: true,
        forward: true,
      },
      blocked: false,
      ...rest,
    };
    this.#room(chat.room).push(made);
    chat.last = made;
    chat.active_at = made.sent_at;
    return made;
  }

  /** Somebody else's message arrives. */
  arrive(chat: ChatView, text: string): MessageView {
    const message = this.put(chat, { text });
    this.#change(chat.room, { unread: chat.unread + 1 });
    this.emit({ type: 'timeline', room: chat.room });
    this.emit({ type: 'chats' });
    this.emit({ type: 'arrived', room: chat.room, message: message.id, request: chat.request });
    return message;
  }

  deliver(message: string, delivery: DeliveryView): void {
    this.#replace(message, (row) => ({
      ...row,
      delivery,
      position:
        row.position.sequence === null ? { ...row.position, sequence: (this.#sequence += 1) } : row.position,
    }));
  }

  messages(room: string): MessageView[] {
    return this.#room(room);
  }

  // What screens ask.

  ready() {
    return this.#answer('ready', () => ({ storage: this.storage }));
  }

  listen(hear: (event: CoreEvent) => void): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  server() {
    return this.#answer('server', () => this.serverState);
  }

  account() {
    return this.#answer('account', () => this.accountView);
  }

  connection() {
    return this.#answer('connection', () => this.connectionState);
  }

  register(username: string, password: string, invite: string) {
    return this.#answer('register', () => this.#enter(username), username, password, invite);
  }

  signIn(username: string, password: string, code?: string) {
    return this.#answer(
      'signIn',
      () => {
        if (this.secondStep.on && code === undefined) throw refuse('second_step_needed');
        if (this.elsewhere) this.joining({ username }).emit({ type: 'account' });
        else this.#enter(username);
      },
      username,
      password,
      ...(code === undefined ? [] : [code]),
    );
  }

  /** How the second step stands, where the account is signed in, and what an administrator sees. */
  secondStep: SecondStepView = { on: false, since: null, backup_codes: 0 };
  push: PushView = { key: 'key', subscribed: false };
  /** The password was shown a moment ago. */
  fresh = false;
  logins: LoginView[] = [];
  registration = 'invite';
  invites: RegistrationInviteView[] = [];
  accounts: AccountListedView[] = [];
  announcements: AnnouncementsView = { announcements: [], key_changed: false };
  listed: AnnouncementListedView[] = [];
  reports: ReportView[] = [];
  audit: AuditLineView[] = [];
  figures: FiguresView = { database_bytes: 0, counts: [] };
  reportPreview: ReportPreviewView = { username: 'mia', sent_at: 0, words: '', provable: true };

  askAccount(intent: AccountIntent) {
    return this.#answer('askAccount', () => this.#account(intent), intent);
  }

  #account(intent: AccountIntent): AccountAnswer {
    const needsProof = () => {
      if (!this.fresh) throw refuse('fresh_sign_in_needed');
    };
    const codes = [
      '4gh7k2-mnpq8r-stv0wx-yza1b2',
      'c3d4e5-f6g7h8-j9k0mn-pqrstv',
      'wxyz01-234567-89abcd-efghjk',
    ];
    switch (intent.type) {
      case 'prove':
        if (this.secondStep.on && intent.code === null) throw refuse('second_step_needed');
        this.fresh = true;
        return { type: 'done' };
      case 'show_signals':
        this.emit({ type: 'signals', signals: this.signals });
        return { type: 'done' };
      case 'active':
      case 'typing':
        return { type: 'done' };
      case 'show_announcements':
        this.emit({ type: 'announcements', announcements: this.announcements });
        return { type: 'done' };
      case 'put_away_announcement':
        this.announcements = {
          ...this.announcements,
          announcements: this.announcements.announcements.filter((one) => one.id !== intent.id),
        };
        this.emit({ type: 'announcements', announcements: this.announcements });
        return { type: 'done' };
      case 'accept_server_key':
        this.announcements = { ...this.announcements, key_changed: false };
        this.emit({ type: 'announcements', announcements: this.announcements });
        return { type: 'done' };
      case 'preview_report':
        return { type: 'report_preview', preview: this.reportPreview };
      case 'report':
        return { type: 'reported', repeated: false };
      case 'choose':
        this.signals = { ...this.signals, own: { ...this.signals.own, ...intent.change } };
        this.emit({ type: 'signals', signals: this.signals });
        return { type: 'done' };
      case 'find_push':
        return { type: 'push', push: this.push };
      case 'subscribe':
        this.push = { ...this.push, subscribed: true };
        return { type: 'done' };
      case 'unsubscribe':
        this.push = { ...this.push, subscribed: false };
        return { type: 'done' };
      case 'find_second_step':
        return { type: 'second_step', second_step: this.secondStep };
      case 'begin_second_step':
        needsProof();
        return {
          type: 'second_step_begun',
          secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
          link: 'otpauth://totp/Lighthouse:jonas?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Lighthouse',
        };
      case 'confirm_second_step':
        needsProof();
        if (intent.code !== '123456') throw refuse('second_step_wrong', 'This code is wrong.');
        this.secondStep = { on: true, since: this.now(), backup_codes: codes.length };
        return { type: 'backup_codes', codes };
      case 'renew_backup_codes':
        needsProof();
        return { type: 'backup_codes', codes };
      case 'end_second_step':
        needsProof();
        this.secondStep = { on: false, since: null, backup_codes: 0 };
        return { type: 'done' };
      case 'change_password':
        needsProof();
        if (intent.end_others) this.logins = this.logins.filter((login) => login.current);
        return { type: 'ended', count: 0 };
      case 'close_account':
        needsProof();
        this.accountView = { type: 'none' };
        this.emit({ type: 'account' });
        return { type: 'done' };
      case 'list_logins':
        return { type: 'logins', logins: this.logins };
      case 'end_login':
        this.logins = this.logins.filter((login) => login.login !== intent.login);
        return { type: 'done' };
      case 'end_other_logins': {
        const before = this.logins.length;
        this.logins = this.logins.filter((login) => login.current);
        return { type: 'ended', count: before - this.logins.length };
      }
      case 'admin':
        return this.#administer(intent.what, needsProof);
    }
  }

  #administer(what: AdminIntent, needsProof: () => void): AccountAnswer {
    switch (what.type) {
      case 'list_invites':
        return { type: 'invites', invites: this.invites };
      case 'make_invite': {
        const expires = this.now() + 7 * 24 * 60 * MINUTE;
        const made = {
          invite: `invite-${this.invites.length}`,
          made_by: 'jonas',
          created_at: this.now(),
          expires_at: expires,
          uses: 0,
          uses_max: what.uses,
          revoked: false,
        };
        this.invites = [made, ...this.invites];
        return { type: 'invite', token: 'qT3nV0eD8kZ4yHs1uWcJxA', expires };
      }
      case 'revoke_invite':
        this.invites = this.invites.map((one) =>
          one.invite === what.invite ? { ...one, revoked: true } : one,
        );
        return { type: 'done' };
      case 'find_registration':
        return { type: 'registration', registration: this.registration };
      case 'set_registration':
        needsProof();
        this.registration = what.registration;
        return { type: 'done' };
      case 'list_accounts': {
        const found = this.accounts.filter((one) => one.username.includes(what.search));
        return { type: 'accounts', page: { accounts: found, more: false } };
      }
      case 'suspend':
      case 'reactivate': {
        needsProof();
        const suspended = what.type === 'suspend';
        this.accounts = this.accounts.map((one) =>
          one.account === what.account ? { ...one, suspended } : one,
        );
        return { type: 'done' };
      }
      case 'list_logins_of':
        return { type: 'logins', logins: this.logins };
      case 'end_login_of':
        needsProof();
        return { type: 'done' };
      case 'list_audit':
        return { type: 'audit', page: { lines: this.audit, more: false } };
      case 'figures':
        return { type: 'figures', figures: this.figures };
      case 'announce': {
        needsProof();
        const ends_at = what.ends_at ?? this.now() + 90 * 24 * 60 * MINUTE;
        const id = `announcement-${this.listed.length}`;
        const kind = what.kind as AnnouncementListedView['kind'];
        const said = { id, kind, text: what.text, said_at: this.now(), ends_at };
        this.listed = [{ ...said, said_by: 'jonas', withdrawn_at: null }, ...this.listed];
        return { type: 'announced', id, ends_at };
      }
      case 'list_announcements':
        return { type: 'announcements', announcements: this.listed };
      case 'withdraw_announcement':
        needsProof();
        this.listed = this.listed.map((one) =>
          one.id === what.id ? { ...one, withdrawn_at: this.now() } : one,
        );
        return { type: 'done' };
      case 'list_reports': {
        const reports = this.reports.filter((one) => (one.closed_at !== null) === what.closed);
        const open = this.reports.filter((one) => one.closed_at === null).length;
        return { type: 'reports', page: { reports, more: false, open } };
      }
      case 'close_report':
        needsProof();
        this.reports = this.reports.map((one) =>
          one.id === what.id
            ? { ...one, closed_at: this.now(), closed_by: 'jonas', outcome: what.outcome }
            : one,
        );
        return { type: 'done' };
    }
  }

  showLinkCode() {
    return this.#answer('showLinkCode', () => {
      if (this.accountView.type === 'joining') throw refuse('busy');
      this.joining({
        username: null,
        link: '/#/link/pR0XmJq8Zt1uWcJxAqT3nV0eD8kZ4yHs1uWcJxAkZ4ypR0XmJq8Zt1uWcJxAqT3nV0eD8kZ4yHs1uWcJxA',
      });
      this.emit({ type: 'account' });
    });
  }

  cancelJoining() {
    return this.#answer('cancelJoining', () => {
      this.accountView = { type: 'none' };
      this.emit({ type: 'account' });
    });
  }

  recover(username: string, words: string, password: string, strong: boolean) {
    return this.#answer('recover', () => this.#enter(username), username, words, password, strong);
  }

  /** What opens the history. */
  ways: HistoryWaysView = { known: true, password: false, changing: false, asks_for_words: false };

  historyWays() {
    return this.#answer('historyWays', () => this.ways);
  }

  setHistoryPassword(password: string | null, words: string | null) {
    const change = () => {
      this.ways = { ...this.ways, password: password !== null };
      this.emit({ type: 'account' });
    };
    return this.#answer('setHistoryPassword', change, password, words);
  }

  resetIdentity(username: string, password: string, code?: string) {
    const given = [username, password, ...(code === undefined ? [] : [code])];
    const enter = () => {
      if (this.secondStep.on && code === undefined) throw refuse('second_step_needed');
      this.#enter(username);
    };
    return this.#answer('resetIdentity', enter, ...given);
  }

  unknownWords(typed: string) {
    return this.#answer(
      'unknownWords',
      () => {
        const places: number[] = [];
        typed.split(' ').forEach((word, place) => {
          if (word !== '' && !this.words.includes(word)) places.push(place);
        });
        return places;
      },
      typed,
    );
  }

  listApprovals() {
    return this.#answer('listApprovals', () => [...this.approvals]);
  }

  answerLink(link: string) {
    return this.#answer('answerLink', () => void this.approval(link, { type: 'digits_needed' }), link);
  }

  answerCode(code: string) {
    return this.#answer(
      'answerCode',
      () => void this.approval(`link-${code}`, { type: 'confirmation_needed' }),
      code,
    );
  }

  confirmLink(link: string, digits: string | null) {
    return this.#answer(
      'confirmLink',
      () => {
        this.approval(link, { type: 'added' }, 'Firefox on Android');
        this.device('Firefox on Android');
        this.emit({ type: 'devices' });
      },
      link,
      digits,
    );
  }

  declineLink(link: string) {
    return this.#answer(
      'declineLink',
      () => {
        this.approvals = this.approvals.filter((one) => one.link !== link);
        this.emit({ type: 'approvals' });
      },
      link,
    );
  }

  listDevices() {
    return this.#answer('listDevices', () => [...this.devices]);
  }

  renameDevice(device: number | null, name: string) {
    return this.#answer(
      'renameDevice',
      () => {
        this.devices = this.devices.map((one) =>
          (device === null ? one.this : one.device === device) ? { ...one, name } : one,
        );
        this.emit({ type: 'devices' });
      },
      device,
      name,
    );
  }

  revokeDevice(device: number) {
    return this.#answer(
      'revokeDevice',
      () => {
        const own = this.devices.some((one) => one.this && one.device === device);
        this.devices = this.devices.filter((one) => one.device !== device);
        if (own) this.accountView = { type: 'none' };
        this.emit({ type: own ? 'account' : 'devices' });
      },
      device,
    );
  }

  signOut() {
    return this.#answer('signOut', () => {
      if (this.accountView.type === 'signed_in')
        this.accountView = { type: 'signed_out', person: this.accountView.person };
      this.emit({ type: 'account' });
    });
  }

  listChats() {
    return this.#answer('listChats', () => this.chats.map((chat) => ({ ...chat })));
  }

  listMessages(room: string, before: Position | null, limit: number) {
    return this.#answer(
      'listMessages',
      () => {
        const rows = this.#room(room);
        const at = before ? rows.findIndex((row) => row.position.ordinal >= before.ordinal) : -1;
        const end = at < 0 ? rows.length : at;
        return rows.slice(Math.max(0, end - limit), end);
      },
      room,
      before,
      limit,
    );
  }

  listMessagesAround(room: string, message: string, each: number) {
    return this.#answer(
      'listMessagesAround',
      () => {
        const rows = this.#room(room);
        const at = rows.findIndex((row) => row.id === message);
        if (at < 0) throw refuse('unknown_message', 'This message is no longer here.');
        return rows.slice(Math.max(0, at - each), at + each + 1);
      },
      room,
      message,
      each,
    );
  }

  listMessagesAfter(room: string, after: Position, limit: number) {
    return this.#answer(
      'listMessagesAfter',
      () =>
        this.#room(room)
          .filter((row) => row.position.ordinal > after.ordinal)
          .slice(0, limit),
      room,
      after,
      limit,
    );
  }

  /** Words of texts, and nothing else of what the engine knows. */
  search(typed: string, behind: SearchPosition | null, limit: number) {
    return this.#answer(
      'search',
      () => {
        const words = typed
          .toLowerCase()
          .split(/\s+/)
          .filter((word) => word !== '' && !/^(in|from|has|before|after):/.test(word));
        if (words.length === 0) throw refuse('search_empty', 'Type a word to search for.');
        const fits = (row: MessageView) => {
          const { body } = row;
          return body.type === 'text' && words.every((word) => body.text.toLowerCase().includes(word));
        };
        const all = [...this.#messages.values()]
          .flat()
          .filter(fits)
          .sort((one, other) => other.sent_at - one.sent_at);
        const first = behind?.number ?? 0;
        const hits = all.slice(first, first + limit).map((row) => {
          const excerpt = row.body.type === 'text' ? row.body.text.replace(/\s/g, ' ') : '';
          const matches = words.map((word): [number, number] => {
            const at = excerpt.toLowerCase().indexOf(word);
            return [at, at + word.length];
          });
          const username = this.people.find((person) => person.account === row.author)?.username ?? null;
          return {
            message: row.id,
            room: row.room,
            author: row.author,
            username,
            mine: row.mine,
            sent_at: row.sent_at,
            excerpt,
            matches: matches.sort((one, other) => one[0] - other[0]),
            position: row.position,
          };
        });
        const more = first + limit < all.length;
        return { hits, next: more ? { number: first + limit, inside: false } : null };
      },
      typed,
      behind,
      limit,
    );
  }

  setChat(room: string, change: ChatChange) {
    return this.#answer(
      'setChat',
      () => {
        const { muted_until, ...rest } = change;
        const muted =
          muted_until === undefined ? {} : { muted_until: muted_until === 0 ? null : muted_until };
        this.#change(room, { ...rest, ...muted });
        this.emit({ type: 'chats' });
      },
      room,
      change,
    );
  }

  saveDraft(room: string, text: string | null) {
    return this.#answer(
      'saveDraft',
      () => {
        this.#change(room, { draft: text });
        this.emit({ type: 'chats' });
      },
      room,
      text,
    );
  }

  listFolders() {
    return this.#answer('listFolders', () => [...this.folders]);
  }

  setFolder(id: string | null, name: string, rooms: string[]) {
    return this.#answer(
      'setFolder',
      () => {
        const known = id ?? `folder-${this.folders.length + 1}`;
        this.folders = [...this.folders.filter((folder) => folder.id !== id), { id: known, name, rooms }];
        this.emit({ type: 'settings' });
      },
      id,
      name,
      rooms,
    );
  }

  deleteFolder(id: string) {
    return this.#answer(
      'deleteFolder',
      () => {
        this.folders = this.folders.filter((folder) => folder.id !== id);
        this.emit({ type: 'settings' });
      },
      id,
    );
  }

  listSettings() {
    return this.#answer('listSettings', () => [...this.settings]);
  }

  setSetting(name: string, value: string | null) {
    return this.#answer(
      'setSetting',
      () => {
        const others = this.settings.filter((setting) => setting.name !== name);
        this.settings = value === null ? others : [...others, { name, value }];
        this.emit({ type: 'settings' });
      },
      name,
      value,
    );
  }

  listContacts() {
    return this.#answer('listContacts', () => [...this.contacts]);
  }

  setPerson(account: string, change: PersonChange) {
    return this.#answer('setPerson', () => this.#setPerson(account, change), account, change);
  }

  deleteRequest(room: string) {
    return this.#answer(
      'deleteRequest',
      () => {
        this.chats = this.chats.filter((chat) => chat.room !== room);
        this.emit({ type: 'chats' });
      },
      room,
    );
  }

  findPerson(username: string, expected: string | null) {
    return this.#answer(
      'findPerson',
      () => {
        const person = this.people.find((other) => other.username === username);
        if (!person)
          throw refuse(
            'unknown_person',
            'Nobody here has that name. Check the spelling or ask for their contact link.',
          );
        if (expected !== null && person.account !== expected)
          throw refuse(
            'link_mismatch',
            'This link does not fit the person whom the server names. Do not write to them before you asked how they got it.',
          );
        return person;
      },
      username,
      expected,
    );
  }

  openChat(account: string) {
    return this.#answer(
      'openChat',
      () => {
        const open = this.chats.find((chat) => chat.person?.account === account);
        const person = this.people.find((other) => other.account === account);
        if (!open && !person) throw refuse('unknown_person');
        const chat = open ?? this.chat(person?.username ?? '');
        this.emit({ type: 'chats' });
        return chat.room;
      },
      account,
    );
  }

  sendText(room: string, text: string, options: TextOptions = {}) {
    return this.#answer(
      'sendText',
      () => this.#say(room, { text, reply: this.#quote(options.replyTo) }),
      room,
      text,
      options,
    );
  }

  editMessage(message: string, text: string) {
    return this.#answer(
      'editMessage',
      () => {
        const written = this.#find(message);
        if (written?.body.type === 'text') {
          const before = this.#edits.get(message) ?? [
            { text: written.body.text, written_at: written.sent_at },
          ];
          this.#edits.set(message, [...before, { text, written_at: this.now() }]);
        }
        this.#replace(message, (row) => ({ ...row, body: { type: 'text', text }, edited_at: this.now() }));
      },
      message,
      text,
    );
  }

  deleteMessage(message: string, forEveryone: boolean) {
    return this.#answer(
      'deleteMessage',
      () => {
        if (!forEveryone) this.#remove(message);
        else
          this.#replace(message, (row) => ({
            ...row,
            body: { type: 'deleted', by_author: row.mine },
            reply: null,
            edited_at: null,
            reactions: [],
            pinned: false,
            forwarded: null,
            mentions_me: false,
            can: {
              edit: false,
              delete_for_everyone: false,
              react: false,
              pin: false,
              reply: false,
              forward: false,
            },
          }));
      },
      message,
      forEveryone,
    );
  }

  react(message: string, emoji: string, on: boolean) {
    return this.#answer(
      'react',
      () => {
        const me = 'person' in this.accountView ? this.accountView.person : this.person('me');
        this.#replace(message, (row) => {
          const known = row.reactions.find((one) => one.emoji === emoji);
          const people = (known?.people ?? []).filter((person) => person.account !== me.account);
          if (on) people.push(me);
          const changed = { emoji, count: people.length, mine: on, people };
          const reactions = known
            ? row.reactions.map((one) => (one === known ? changed : one))
            : [...row.reactions, changed];
          return { ...row, reactions: reactions.filter((one) => one.count > 0) };
        });
      },
      message,
      emoji,
      on,
    );
  }

  pin(message: string, on: boolean) {
    return this.#answer('pin', () => this.#replace(message, (row) => ({ ...row, pinned: on })), message, on);
  }

  createPoll(room: string, question: string, options: string[], multiple: boolean, closesAt: number | null) {
    return this.#answer(
      'createPoll',
      () =>
        this.#say(room, {
          body: {
            type: 'poll',
            question,
            options: options.map((text) => ({ text, votes: 0, mine: false })),
            multiple,
            closed: false,
            closes_at: closesAt,
            voters: 0,
          },
        }),
      room,
      question,
      options,
      multiple,
      closesAt,
    );
  }

  vote(message: string, choices: number[]) {
    return this.#answer(
      'vote',
      () =>
        this.#replace(message, (row) => {
          if (row.body.type !== 'poll') return row;
          const had = row.body.options.some((option) => option.mine);
          const options = row.body.options.map((option, place) => {
            const mine = choices.includes(place);
            return { ...option, mine, votes: option.votes - Number(option.mine) + Number(mine) };
          });
          const voters = row.body.voters - Number(had) + Number(choices.length > 0);
          return { ...row, body: { ...row.body, options, voters } };
        }),
      message,
      choices,
    );
  }

  closePoll(message: string) {
    return this.#answer(
      'closePoll',
      () =>
        this.#replace(message, (row) =>
          row.body.type === 'poll' ? { ...row, body: { ...row.body, closed: true } } : row,
        ),
      message,
    );
  }

  forward(message: string, room: string) {
    return this.#answer(
      'forward',
      () => {
        const original = this.#find(message);
        if (original?.body.type !== 'text')
          throw refuse('unknown_message', 'This message is no longer here.');
        const author = this.people.find((person) => person.account === original.author);
        const forwarded = original.forwarded ?? { username: author?.username ?? 'me' };
        return this.#say(room, { text: original.body.text, forwarded });
      },
      message,
      room,
    );
  }

  setDisappearing(room: string, seconds: number) {
    return this.#answer(
      'setDisappearing',
      () => {
        this.#change(room, { disappearing: seconds });
        this.#say(room, { body: { type: 'timer', seconds } });
      },
      room,
      seconds,
    );
  }

  listPinned(room: string) {
    return this.#answer('listPinned', () => this.#room(room).filter((row) => row.pinned), room);
  }

  listThread(message: string) {
    return this.#answer(
      'listThread',
      () => {
        const root = this.#find(message);
        const rows = root ? this.#room(root.room) : [];
        return rows.filter((row) => row.id === message || row.thread?.root === message);
      },
      message,
    );
  }

  listEdits(message: string) {
    return this.#answer('listEdits', () => this.#edits.get(message) ?? [], message);
  }

  markRead(room: string, message: string) {
    return this.#answer(
      'markRead',
      () => {
        this.#change(room, { unread: 0 });
        this.emit({ type: 'chats' });
      },
      room,
      message,
    );
  }

  retry(message: string) {
    return this.#answer(
      'retry',
      () => this.#replace(message, (row) => ({ ...row, delivery: { type: 'queued' } })),
      message,
    );
  }

  discard(message: string) {
    return this.#answer('discard', () => this.#remove(message), message);
  }

  listTrust() {
    return this.#answer('listTrust', () =>
      [...new Set([...this.standings.keys(), ...this.successors.keys()])].map((account) => ({
        account,
        standing: this.standings.get(account) ?? 'unchecked',
        successor: this.successors.get(account) ?? null,
      })),
    );
  }

  profile(account: string) {
    return this.#answer('profile', () => this.#profile(account), account);
  }

  compareSafetyCode(account: string, typed: string) {
    return this.#answer(
      'compareSafetyCode',
      () => {
        if (typed.includes('differs'))
          throw refuse(
            'safety_number_differs',
            'The numbers do not match. This may be the code of somebody else; if it is not, somebody stands between you. Write nothing that matters before you have met and compared again.',
          );
        this.#judge(account, 'verified');
      },
      account,
      typed,
    );
  }

  judge(account: string, judgment: Judgment) {
    return this.#answer('judge', () => this.#judge(account, judgment), account, judgment);
  }

  makeInvite() {
    return this.#answer('makeInvite', () => ({
      token: 'qT3nV0eD8kZ4yHs1uWcJxA',
      expires: this.now() + 7 * 24 * 60 * 60 * 1000,
    }));
  }

  recoveryWords() {
    return this.#answer('recoveryWords', () => this.words);
  }

  recoveryKeyKept() {
    return this.#answer('recoveryKeyKept', () => {
      if (this.accountView.type === 'signed_in')
        this.accountView = { ...this.accountView, offer_recovery_key: false };
      this.emit({ type: 'account' });
    });
  }

  #judge(account: string, judgment: Judgment): void {
    if (judgment === 'none') this.standings.delete(account);
    else this.standings.set(account, judgment === 'verified' ? 'verified' : 'changed');
    this.emit({ type: 'people' });
  }

  #profile(account: string): ProfileView {
    const own = 'person' in this.accountView && this.accountView.person.account === account;
    const known = this.people.find((person) => person.account === account);
    const person = own && 'person' in this.accountView ? this.accountView.person : known;
    if (!person)
      throw refuse(
        'unknown_person',
        'Nobody here has that name. Check the spelling or ask for their contact link.',
      );
    const standing = this.standings.get(account) ?? 'unchecked';
    const day = 24 * 60 * MINUTE;
    const name = (device: number, called: string) => ({ device, name: own ? called : null });
    return {
      person,
      own,
      standing,
      verified_at: standing === 'verified' ? this.now() - day : null,
      safety_number: own ? null : '300354477692869396892869876765458257569162576843440918079131',
      safety_code: own
        ? null
        : 'I2NvbmNsYXZlL3YxL3NhZmV0eS1jb2RlAR4wGgNT3OPb50y46DNuhRNs3A7pYhlJStowXWKnvWHf1iy_c6EVkgFra58WgqwwbupAAA',
      disputed: false,
      successor: this.successors.get(account) ?? null,
      others: [],
      devices: 2,
      changes: [
        {
          at: this.now() - 2 * day,
          what: { type: 'device_removed', ...name(1, 'The old tablet in the kitchen') },
          by: { type: 'device', ...name(2, 'Firefox on Android') },
        },
        {
          at: this.now() - 12 * day,
          what: { type: 'device_added', ...name(2, 'Firefox on Android') },
          by: { type: 'device', ...name(0, 'Chromium on Linux') },
        },
        {
          at: this.now() - 40 * day,
          what: { type: 'recovery_replaced', all_removed: false },
          by: { type: 'recovery_key' },
        },
        {
          at: this.now() - 60 * day,
          what: { type: 'device_added', ...name(1, 'The old tablet in the kitchen') },
          by: { type: 'recovery_key' },
        },
        {
          at: this.now() - 90 * day,
          what: { type: 'made' },
          by: { type: 'device', ...name(0, 'Chromium on Linux') },
        },
      ],
      ...this.profiles.get(account),
    };
  }

  listPlaces() {
    return this.#answer('listPlaces', () => this.places);
  }

  findPlace(place: string) {
    return this.#answer('findPlace', () => this.places.find((one) => one.place === place) ?? null, place);
  }

  listMembers(place: string) {
    return this.#answer('listMembers', () => this.members.get(place) ?? [], place);
  }

  listPeople(accounts: string[]) {
    return this.#answer(
      'listPeople',
      () => this.people.filter((person) => accounts.includes(person.account)),
      accounts,
    );
  }

  createPlace(kind: PlaceSort, name: string, people: string[]) {
    return this.#answer(
      'createPlace',
      () => {
        const place = this.place(kind, name, { members: people.length + 1, is_owner: true });
        this.emit({ type: 'places', place: place.place });
        this.emit({ type: 'chats' });
        return { place: place.place, room: place.room ?? place.channels[0]?.room ?? '' };
      },
      kind,
      name,
      people,
    );
  }

  previewInvite(link: string) {
    return this.#answer(
      'previewInvite',
      () => {
        if (!this.preview) throw refuse('invite_unreadable');
        return this.preview;
      },
      link,
    );
  }

  joinPlace(link: string) {
    return this.#answer(
      'joinPlace',
      () => {
        if (!this.preview) throw refuse('invite_unreadable');
        return { place: this.preview.place, waiting: this.preview.approval };
      },
      link,
    );
  }

  makePlaceInvite(place: string, terms: InviteForm) {
    return this.#answer(
      'makePlaceInvite',
      () => ({ invite: 7, link: '/#/join/AQIDBA', terms }),
      place,
      terms,
    );
  }

  letBackIn(place: string, former: string) {
    const change = () => {
      this.places = this.places.map((one) =>
        one.place === place
          ? { ...one, returned: one.returned.filter((returned) => returned.former !== former) }
          : one,
      );
      this.emit({ type: 'places', place });
    };
    return this.#answer('letBackIn', change, place, former);
  }

  changePlace(place: string, change: PlaceChange) {
    return this.#answer('changePlace', () => this.emit({ type: 'places', place }), place, change);
  }

  #enter(username: string): void {
    this.signedIn(username);
    this.emit({ type: 'account' });
  }

  async #answer<Value>(goal: keyof Core, work: () => Value, ...given: unknown[]): Promise<Value> {
    this.calls.push([goal, ...given]);
    await Promise.resolve();
    const fault = this.faults.get(goal);
    if (fault === 'never') return new Promise<Value>(() => undefined);
    if (fault) throw fault;
    return work();
  }

  /** An own message is taken into the outbox. */
  #setPerson(account: string, { accepted, blocked, nickname }: PersonChange): void {
    const username = this.people.find((person) => person.account === account)?.username ?? '';
    const known = this.contacts.find((one) => one.account === account) ?? {
      account,
      username,
      nickname: null,
      blocked: false,
    };
    const contact = {
      ...known,
      blocked: blocked ?? known.blocked,
      nickname: nickname === undefined ? known.nickname : nickname === '' ? null : nickname,
    };
    this.contacts = [...this.contacts.filter((one) => one !== known), contact].filter(
      (one) => one.blocked || one.nickname !== null,
    );
    // A stranger who is blocked is listed no more.
    this.chats = this.chats
      .filter((chat) => chat.person?.account !== account || !chat.request || blocked !== true)
      .map((chat) =>
        chat.person?.account === account
          ? {
              ...chat,
              request: chat.request && accepted !== true,
              blocked: contact.blocked,
              title: contact.nickname ?? chat.person.username,
            }
          : chat,
      );
    this.emit({ type: 'people' });
    this.emit({ type: 'chats' });
  }

  #say(room: string, message: Partial<MessageView> & { text?: string }): string {
    const chat = this.chats.find((other) => other.room === room);
    if (!chat) throw refuse('unknown_room', 'This chat is not on this device.');
    const { id } = this.put(chat, { ...message, mine: true, delivery: { type: 'queued' } });
    // Answering accepts.
    this.#change(room, { request: false });
    this.emit({ type: 'timeline', room });
    this.emit({ type: 'chats' });
    return id;
  }

  #quote(message: string | undefined): MessageView['reply'] {
    const original = message === undefined ? null : this.#find(message);
    if (!original) return null;
    const author = this.people.find((person) => person.account === original.author);
    return {
      message: original.id,
      author: original.author,
      username: author?.username ?? 'me',
      excerpt: original.body.type === 'text' ? original.body.text : '',
      state: 'here',
    };
  }

  #find(message: string): MessageView | null {
    for (const rows of this.#messages.values()) {
      const row = rows.find((one) => one.id === message);
      if (row) return row;
    }
    return null;
  }

  #remove(message: string): void {
    for (const [room, rows] of this.#messages) {
      const left = rows.filter((row) => row.id !== message);
      if (left.length === rows.length) continue;
      this.#messages.set(room, left);
      this.#change(room, { last: left.at(-1) ?? null });
      this.emit({ type: 'timeline', room });
    }
  }

  #room(room: string): MessageView[] {
    let rows = this.#messages.get(room);
    if (!rows) this.#messages.set(room, (rows = []));
    return rows;
  }

  #change(room: string, change: Partial<ChatView>): void {
    this.chats = this.chats.map((chat) => (chat.room === room ? Object.assign(chat, change) : chat));
  }

  #replace(message: string, change: (row: MessageView) => MessageView): void {
    for (const [room, rows] of this.#messages) {
      const at = rows.findIndex((row) => row.id === message);
      const row = rows[at];
      if (!row) continue;
      rows[at] = change(row);
      const chat = this.chats.find((other) => other.room === room);
      if (chat?.last?.id === message) chat.last = rows[at] ?? null;
      this.emit({ type: 'timeline', room });
    }
  }
}
