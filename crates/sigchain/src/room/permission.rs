//! What a member may do: a set of named permissions.

use std::fmt;

/// A set of permissions. The owner has all of them; everybody else those of their roles together.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u64);

macro_rules! permissions {
    ($($(#[$meta:meta])* $name:ident = $bit:literal;)*) => {
        impl Permissions {
            $($(#[$meta])* pub const $name: Self = Self(1 << $bit);)*

            /// Every permission with its name.
            pub const NAMED: &[(&'static str, Self)] = &[$((stringify!($name), Self::$name)),*];

            /// All permissions together.
            pub const ALL: Self = Self(0 $(| 1 << $bit)*);
        }
    };
}

permissions! {
    /// Change the place's policies.
    MANAGE_PLACE = 0;
    /// Define roles below one's own and give them.
    MANAGE_ROLES = 1;
    /// Make, change and delete channels and categories that one can read, and their policies.
    MANAGE_CHANNELS = 2;
    /// Revoke the invites of others.
    MANAGE_INVITES = 3;
    /// Make invites.
    INVITE = 4;
    /// Add an account directly.
    ADD_MEMBERS = 5;
    /// Approve or decline requests to join.
    APPROVE = 6;
    /// Remove members below oneself.
    KICK = 7;
    /// Ban accounts and lift bans.
    BAN = 8;
    /// Silence members below oneself for a time.
    TIMEOUT = 9;
    /// Change the place's name, topic, icon, description and banner.
    CHANGE_METADATA = 10;
    /// Choose one's own nickname.
    CHANGE_NICKNAME = 11;
    /// Change the nicknames of members below oneself.
    MANAGE_NICKNAMES = 12;
    /// Write messages.
    POST = 13;
    /// Write in announcement channels.
    POST_ANNOUNCEMENTS = 14;
    /// Send files.
    ATTACH = 15;
    /// React to messages.
    REACT = 16;
    /// Begin threads.
    START_THREADS = 17;
    /// Delete messages of others.
    DELETE_MESSAGES = 18;
    /// Pin messages.
    PIN = 19;
    /// Mention everyone, or a whole role.
    MENTION_EVERYONE = 20;
    /// Begin calls.
    START_CALLS = 21;
    /// Speak in voice channels and calls.
    SPEAK = 22;
    /// Share the screen or a camera.
    SHARE_VIDEO = 23;
    /// Write without the pause of slow mode.
    SKIP_SLOW_MODE = 24;
    /// Change the place's own emoji and stickers.
    MANAGE_EMOJI = 25;
    /// Begin polls.
    START_POLLS = 26;
}

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self(0);

    /// What a new group lets every member do, unless its maker wants otherwise.
    pub const GROUP_DEFAULT: Self = Self(
        Self::TALK.0
            | Self::INVITE.0
            | Self::ADD_MEMBERS.0
            | Self::CHANGE_METADATA.0
            | Self::CHANGE_NICKNAME.0
            | Self::PIN.0
            | Self::MENTION_EVERYONE.0
            | Self::START_CALLS.0,
    );

    /// What a new community lets every member do, unless its maker wants otherwise.
    pub const COMMUNITY_DEFAULT: Self = Self(Self::TALK.0 | Self::INVITE.0 | Self::CHANGE_NICKNAME.0);

    /// Taking part in conversations.
    const TALK: Self = Self(
        Self::POST.0
            | Self::ATTACH.0
            | Self::REACT.0
            | Self::START_THREADS.0
            | Self::START_POLLS.0
            | Self::SPEAK.0
            | Self::SHARE_VIDEO.0,
    );

    /// The set of these bits; none when a bit has no meaning.
    pub const fn from_bits(bits: u64) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// The set as it is encoded.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` are in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in one of the sets.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(
                Self::NAMED
                    .iter()
                    .filter(|(_, permission)| self.contains(*permission))
                    .map(|(name, _)| name),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_permissions_share_a_bit_and_unknown_bits_are_refused() {
        let mut seen = 0;
        for (name, permission) in Permissions::NAMED {
            assert_eq!(permission.bits().count_ones(), 1, "{name}");
            assert_eq!(seen & permission.bits(), 0, "{name}");
            seen |= permission.bits();
        }
        assert_eq!(seen, Permissions::ALL.bits());
        assert_eq!(Permissions::from_bits(seen), Some(Permissions::ALL));
        assert_eq!(Permissions::from_bits(1 << 63), None);
    }
}
