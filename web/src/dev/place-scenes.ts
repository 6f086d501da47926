import { href } from '../lib/platform/route';
import type {
  MemberView,
  PlaceStateView,
  PlaceView,
  PostingView,
  PreviewView,
  RoleView,
} from '../lib/protocol/generated';
import { type FakeCore, failure } from './fake-core';
import { connected, failing, hanging, home, type Scene } from './scenes';

/** Groups and communities in their states. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const GROUP = href.chat('room-Boat trip');
const CHANNEL = href.chat('room-Harbour town');
const COMMUNITY = href.community('place-Harbour town');
const JOIN = href.join('AQIDBAUGBwgJ');
const OFFLINE = 'The server cannot be reached. Check your connection and try again.';

const EVERYTHING = [
  ...[
    'manage_place',
    'manage_roles',
    'manage_channels',
    'manage_invites',
    'invite',
    'add_members',
    'approve',
  ],
  ...[
    'kick',
    'ban',
    'timeout',
    'change_metadata',
    'change_nickname',
    'manage_nicknames',
    'post',
    'react',
    'pin',
  ],
  ...['start_threads', 'start_polls', 'attach', 'delete_messages', 'mention_everyone'],
];

function role(
  number: number,
  title: string | null,
  rank: number,
  permissions: string[],
  members: number,
): RoleView {
  return { role: number, title, colour: null, rank, permissions, members };
}

const ROLES = [
  role(4, 'Captain', 100, EVERYTHING, 1),
  role(3, 'Crew', 10, ['kick', 'timeout', 'pin', 'approve'], 2),
  role(0, null, 0, ['post', 'react', 'invite', 'change_nickname'], 6),
];

function member(name: string, change: Partial<MemberView> = {}): MemberView {
  return {
    account: `account-${name}`,
    username: name,
    nickname: null,
    roles: [],
    rank: 0,
    is_owner: false,
    muted_until: null,
    joined: 1,
    below_me: true,
    ...change,
  };
}

const MEMBERS = [
  member('jonas', { is_owner: true, rank: 65_535, below_me: false }),
  member('mia', { roles: [4], rank: 100, nickname: 'Mia at the oars' }),
  member('paul', { roles: [3], rank: 10 }),
  member('noor', { roles: [3], rank: 10 }),
  member('samir.hadid', { muted_until: Date.now() + DAY }),
  member('eva_lindqvist'),
];

function fill(core: FakeCore, room: string): void {
  const chat = core.chats.find((one) => one.room === room);
  if (!chat) return;
  const at = (before: number) => core.now() - before;
  const says = (name: string, before: number, text: string, rest: object = {}) =>
    core.put(chat, { author: `account-${name}`, text, sent_at: at(before), ...rest });
  core.put(chat, {
    author: 'account-mia',
    sent_at: at(2 * DAY),
    body: { type: 'notice', notice: { type: 'created' } },
  });
  core.put(chat, {
    author: 'account-mia',
    sent_at: at(2 * DAY - MINUTE),
    body: { type: 'notice', notice: { type: 'joined', account: 'account-jonas', how: 'added' } },
  });
  core.put(chat, {
    author: 'account-paul',
    sent_at: at(DAY + HOUR),
    body: { type: 'notice', notice: { type: 'joined', account: 'account-paul', how: 'invited' } },
  });
  says('mia', 3 * HOUR, 'So: Saturday, 6:40, the small pier.');
  says('mia', 3 * HOUR - MINUTE, 'Bring something warm. I mean it this time.');
  const asked = says('paul', 2 * HOUR, 'Is there room for a dog? A small one, mostly asleep.', {
    reactions: [
      {
        emoji: '😂',
        count: 3,
        mine: true,
        people: [core.person('mia'), core.person('jonas'), core.person('noor')],
      },
    ],
  });
  core.put(chat, {
    text: 'There is always room for a dog.',
    mine: true,
    author: 'account-jonas',
    sent_at: at(HOUR + 50 * MINUTE),
  });
  core.put(chat, {
    text: 'I **checked** with the harbour master.',
    mine: true,
    author: 'account-jonas',
    sent_at: at(HOUR + 49 * MINUTE),
    reply: {
      message: asked.id,
      author: 'account-paul',
      username: 'paul',
      excerpt: 'Is there room for a dog?',
      state: 'here',
    },
  });
  core.put(chat, {
    author: 'account-mia',
    sent_at: at(HOUR),
    body: {
      type: 'notice',
      notice: { type: 'removed', account: 'account-eva_lindqvist', reason: 'moved away' },
    },
  });
  says('noor', 20 * MINUTE, '@jonas can you take the second thermos?', { mentions_me: true });
  says('noor', 19 * MINUTE, 'The one without the dent.', { pinned: true });
}

function group(change: Partial<PlaceView> = {}, posting: PostingView = { type: 'allowed' }): FakeCore {
  const core = home();
  for (const one of MEMBERS) core.person(one.username ?? '');
  const place = core.place('group', 'Boat trip', {
    icon: '⛵',
    topic: 'Saturday, 6:40, the small pier',
    permissions: EVERYTHING,
    members: MEMBERS.length,
    roles: ROLES,
    rank: 65_535,
    is_owner: true,
    owner: 'account-jonas',
    ...change,
  });
  core.members.set(place.place, MEMBERS);
  const chat = core.chats.find((one) => one.room === place.room);
  if (chat) chat.posting = posting;
  fill(core, place.room ?? '');
  return core;
}

function community(change: Partial<PlaceView> = {}, posting: PostingView = { type: 'allowed' }): FakeCore {
  const core = home();
  for (const one of MEMBERS) core.person(one.username ?? '');
  const place = core.place('community', 'Harbour town', {
    icon: '⚓',
    description: 'Everybody around the old harbour.',
    permissions: EVERYTHING,
    members: 1284,
    roles: ROLES,
    rank: 65_535,
    is_owner: true,
    owner: 'account-jonas',
    unread: 12,
    ...change,
  });
  const [general] = place.channels;
  if (general && change.channels === undefined) {
    const channel = (number: number, title: string, rest: object = {}) => ({
      ...general,
      channel: number,
      room: `room-${title}`,
      title,
      position: number,
      ...rest,
    });
    place.channels = [
      { ...general, title: 'general', unread: 0 },
      channel(3, 'announcements', { kind: 'announcement', posting: { type: 'forbidden' }, unread: 4 }),
      channel(4, 'boats', { category: 8, unread: 8 }),
      channel(5, 'crew', { category: 8, readers: [3, 4] }),
      channel(6, 'a-channel-with-quite-a-long-name-for-its-list', { category: 9 }),
    ];
    place.categories = [
      { category: 8, title: 'On the water', position: 0 },
      { category: 9, title: 'Ashore', position: 1 },
    ];
  }
  core.members.set(place.place, MEMBERS);
  const chat = core.chats.find((one) => one.room === 'room-Harbour town');
  if (chat) chat.posting = posting;
  fill(core, 'room-Harbour town');
  return core;
}

function outside(state: PlaceStateView): FakeCore {
  const core = group({ state, is_owner: false, permissions: [], rank: 0 }, { type: 'not_member' });
  const chat = core.chats.find((one) => one.room === 'room-Boat trip');
  if (chat?.place) chat.place = { ...chat.place, state };
  return core;
}

function invited(change: Partial<PreviewView> = {}): FakeCore {
  const core = community();
  core.preview = {
    place: 'place-Harbour town',
    kind: 'community',
    title: 'Harbour town',
    description: 'Everybody around the old harbour.',
    icon: '⚓',
    members: 1284,
    inviter: core.person('mia'),
    approval: false,
    is_member: false,
    is_waiting: false,
    ...change,
  };
  return core;
}

/** Opens a page of the panel of a group. */
function panel(core: () => FakeCore, page: string, more?: Scene['then'], hash = GROUP, of = 'group'): Scene {
  return {
    hash,
    core,
    then: async (act, fake) => {
      await act.press(`About this ${of}`);
      await act.wait(250);
      if (page !== '') await act.press(page);
      await act.wait(100);
      await more?.(act, fake);
    },
  };
}

const DISPUTED = failure(
  'place_forked',
  'The server shows members different versions of this group’s log. Nothing is sent here. Compare with another member, and ask the server’s operator.',
);

export const PLACE_SCENES: Record<string, Scene> = {
  'place-new-chat': { hash: '#/chats', core: home, then: (act) => act.press('New chat') },
  'place-new-group': {
    hash: '#/chats',
    core: home,
    then: async (act) => {
      await act.press('New chat');
      await act.press('New group');
      await act.wait(250);
      await act.type('Name', 'Boat trip');
      await act.press('mia');
    },
  },
  'place-new-community-failed': {
    hash: '#/chats',
    core: () => failing('createPlace', 'offline', OFFLINE),
    then: async (act) => {
      await act.press('New chat');
      await act.press('New community');
      await act.wait(250);
      await act.type('Name', 'Harbour town');
      await act.press('Make community');
      await act.wait(80);
    },
  },
  'place-group': { hash: GROUP, core: group },
  'place-group-bar': { hash: GROUP, core: group, then: (act) => act.hover('without the dent') },
  'place-group-offline': { hash: GROUP, core: () => connected('offline', group()) },
  'place-community': { hash: CHANNEL, core: community },
  'place-community-list': { hash: COMMUNITY, core: community },
  'place-community-empty': { hash: COMMUNITY, core: () => community({ channels: [] }) },
  'place-community-unknown': { hash: href.community('place-elsewhere'), core: home },
  'place-about': panel(group, ''),
  'place-about-community': panel(community, '', undefined, CHANNEL, 'community'),
  'place-people': panel(group, 'People, 6'),
  'place-people-menu': panel(group, 'People, 6', (act) => act.press('More about Mia at the oars')),
  'place-people-loading': panel(
    () => hanging('listMembers', group()),
    'People, 6',
    (act) => act.wait(600),
  ),
  'place-people-failed': panel(
    () => failing('listMembers', 'storage', 'This device could not read that. Reload the page.', group()),
    'People, 6',
  ),
  'place-member-roles': panel(group, 'People, 6', async (act) => {
    await act.press('More about Mia at the oars');
    await act.press('Roles');
  }),
  'place-member-mute': panel(group, 'People, 6', async (act) => {
    await act.press('More about Mia at the oars');
    await act.press('Mute for a time');
  }),
  'place-member-ban-failed': panel(
    () =>
      failing(
        'changePlace',
        'place_not_allowed',
        'Your role does not allow this. Ask somebody who may.',
        group(),
      ),
    'People, 6',
    async (act) => {
      await act.press('More about Mia at the oars');
      await act.press('Ban');
      await act.press('Ban');
      await act.wait(80);
    },
  ),
  'place-transfer': panel(group, 'Hand over or close', (act) => act.press('Hand over…')),
  'place-close': panel(group, 'Hand over or close', (act) => act.type('Type “close” to go on', 'close')),
  'place-leave': panel(() => group({ is_owner: false, rank: 10 }), 'Leave'),
  'place-add-people': panel(group, 'People, 6', async (act) => {
    await act.press('Add people');
    await act.type('People', 'tomas');
    await act.press('Add');
    await act.wait(80);
  }),
  'place-invites': panel(
    () =>
      group({
        invites: [
          {
            invite: 7,
            by: 'account-jonas',
            uses_left: 3,
            expires: Date.now() + DAY,
            approval: false,
            roles: [3],
            link: '/#/join/AQIDBAUGBwgJ',
          },
          {
            invite: 9,
            by: 'account-mia',
            uses_left: null,
            expires: null,
            approval: true,
            roles: [],
            link: null,
          },
        ],
      }),
    'Invite links, 2',
  ),
  'place-invite-made': panel(group, 'Invite links', async (act) => {
    await act.press('Make an invite link');
    await act.wait(80);
    await act.press('Show as QR code');
    await act.wait(250);
  }),
  'place-requests': panel(
    () =>
      group({
        requests: [
          { account: 'account-tomas', username: 'tomas', invite: 7 },
          { account: 'account-x', username: null, invite: 7 },
        ],
      }),
    'Asked to join, 2',
  ),
  'place-texts': panel(group, 'Name and topic'),
  'place-roles': panel(group, 'Roles, 3'),
  'place-role-edit': panel(group, 'Roles, 3', (act) => act.press('New role')),
  'place-channels': panel(community, 'Channels, 5', undefined, CHANNEL, 'community'),
  'place-channel-new': panel(
    community,
    'Channels, 5',
    (act) => act.press('New channel'),
    CHANNEL,
    'community',
  ),
  'place-category-new': panel(
    community,
    'Channels, 5',
    (act) => act.press('New category'),
    CHANNEL,
    'community',
  ),
  'place-settings': panel(group, 'Settings'),
  'place-bans': panel(
    () => group({ bans: [{ account: 'account-tomas', username: 'tomas', by: 'account-mia' }] }),
    'Banned, 1',
  ),
  'place-read-only': { hash: GROUP, core: () => group({}, { type: 'read_only' }) },
  'place-muted': { hash: GROUP, core: () => group({}, { type: 'muted', until: Date.now() + HOUR }) },
  'place-announcements': { hash: CHANNEL, core: () => community({}, { type: 'forbidden' }) },
  'place-removed': {
    hash: GROUP,
    core: () => outside({ type: 'removed', by: 'account-mia', reason: 'moved away' }),
  },
  'place-removed-about': panel(() => outside({ type: 'removed', by: 'account-mia', reason: null }), ''),
  'place-disputed': { hash: GROUP, core: () => group({ disputed: DISPUTED }, { type: 'disputed' }) },
  'place-disputed-about': panel(() => group({ disputed: DISPUTED }, { type: 'disputed' }), ''),
  'place-join': { hash: JOIN, core: invited },
  'place-join-loading': {
    hash: JOIN,
    core: () => hanging('previewInvite', invited()),
    then: (act) => act.wait(700),
  },
  'place-join-approval': { hash: JOIN, core: () => invited({ approval: true }) },
  'place-join-asked': {
    hash: JOIN,
    core: () => invited({ approval: true }),
    then: (act) => act.press('Ask to join'),
  },
  'place-join-member': { hash: JOIN, core: () => invited({ is_member: true }) },
  'place-join-used-up': {
    hash: JOIN,
    core: () =>
      failing(
        'previewInvite',
        'place_invite_invalid',
        'This invite is used up, expired or was withdrawn. Ask for a new one.',
        invited(),
      ),
  },
  'place-join-unreadable': {
    hash: JOIN,
    core: () =>
      failing(
        'previewInvite',
        'invite_unreadable',
        'This is not an invite’s link. Copy it again, whole.',
        invited(),
      ),
  },
  'place-join-banned': {
    hash: JOIN,
    core: () => failing('joinPlace', 'banned', 'You were banned here.', invited()),
    then: (act) => act.press('Join'),
  },
  'place-join-nobody': {
    hash: JOIN,
    core: () => {
      const core = invited();
      core.accountView = { type: 'none' };
      return core;
    },
  },
  'place-join-offline': {
    hash: JOIN,
    core: () => connected('offline', failing('previewInvite', 'offline', OFFLINE, invited())),
  },
};
