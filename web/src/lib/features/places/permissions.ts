/** What roles may let their holders do, in words. The names are those of the log's permissions. */

export interface Permission {
  name: string;
  label: string;
  /** Of meaning in communities alone. */
  community?: boolean;
}

export interface PermissionGroup {
  title: string;
  permissions: readonly Permission[];
}

export const PERMISSIONS: readonly PermissionGroup[] = [
  {
    title: 'Taking part',
    permissions: [
      { name: 'post', label: 'Write messages' },
      { name: 'attach', label: 'Send files' },
      { name: 'react', label: 'React to messages' },
      { name: 'start_threads', label: 'Begin threads' },
      { name: 'start_polls', label: 'Make polls' },
      { name: 'mention_everyone', label: 'Mention everyone' },
      { name: 'change_nickname', label: 'Choose their own nickname' },
      { name: 'skip_slow_mode', label: 'Write without waiting in slow mode' },
      { name: 'post_announcements', label: 'Write in announcement channels', community: true },
    ],
  },
  {
    title: 'People',
    permissions: [
      { name: 'invite', label: 'Make invite links' },
      { name: 'manage_invites', label: 'End invite links of others' },
      { name: 'add_members', label: 'Add people directly' },
      { name: 'approve', label: 'Let people in who asked' },
      { name: 'timeout', label: 'Mute people for a time' },
      { name: 'kick', label: 'Remove people' },
      { name: 'ban', label: 'Ban people' },
      { name: 'manage_nicknames', label: 'Change nicknames of others' },
    ],
  },
  {
    title: 'Order',
    permissions: [
      { name: 'delete_messages', label: 'Delete messages of others' },
      { name: 'pin', label: 'Pin messages' },
      { name: 'change_metadata', label: 'Change name, topic and icon' },
      { name: 'manage_channels', label: 'Make and change channels', community: true },
      { name: 'manage_roles', label: 'Make and give roles' },
      { name: 'manage_place', label: 'Change the settings' },
      { name: 'manage_emoji', label: 'Change emoji and stickers' },
    ],
  },
  {
    title: 'Calls',
    permissions: [
      { name: 'start_calls', label: 'Begin calls' },
      { name: 'speak', label: 'Speak in calls' },
      { name: 'share_video', label: 'Share camera or screen' },
    ],
  },
];

/** The groups that have a meaning for a kind of place. */
export function permissionsFor(community: boolean): PermissionGroup[] {
  return PERMISSIONS.map(({ title, permissions }) => ({
    title,
    permissions: permissions.filter((one) => community || one.community !== true),
  }));
}
