//! Acts as bodies of entries, on the chain as it is known now.

use conclave_crypto::PlaceKey;
use conclave_protocol::{AccountId, ErrorCode, Timestamp};
use conclave_sigchain::room::{
    AccountHead, Audience, CategoryDefinition, CategoryId, ChannelDefinition, ChannelId, ChannelKind,
    History, InviteId, InviteTerms, MetadataField, Permissions, Policy, Rank, RoleDefinition, RoleId,
    RoomBody,
};

use super::acting::{Built, Wanted, was_refused};
use super::intents::{ChannelForm, ChannelSort, InviteForm, PlaceChange, PlaceField, PolicyForm, RoleForm};
use super::links::InviteSecret;
use super::names::{Value, Words, seal};
use super::record::Place;
use crate::calls::Need;
use crate::failure::Failure;
use crate::machine::Engine;
use crate::reads::ReadError;
use crate::work::Work;

/// Longest name of a place, role, channel, category or member, in characters.
pub(crate) const NAME_MAX: usize = 100;
/// Longest nickname in bytes: its sealed form takes 256.
const NICKNAME_MAX: usize = 150;
/// Longest topic, reason or icon in characters.
const LINE_MAX: usize = 300;
/// Longest description in characters.
const DESCRIPTION_MAX: usize = 900;

impl Engine {
    /// An act as the body of the next entry.
    pub(crate) fn build_act(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        wanted: &Wanted,
    ) -> Result<Built, ReadError> {
        match wanted {
            Wanted::Change(change) => self.build_change(work, place, change),
            Wanted::Invite(form, secret) => Ok(build_invite(work, form, secret)),
            Wanted::Observe(account) => {
                let Some(person) = self.person(work, *account)? else {
                    return Ok(Built::Fails(Failure::place_moot()));
                };
                if !place.chain.state().owes_observation(&person.chain) {
                    return Ok(Built::Fails(Failure::place_moot()));
                }
                let head = AccountHead {
                    sequence: person.chain.head(),
                    hash: person.chain.head_hash(),
                };
                let closings = self.closings_of_lost(work, place.id(), *account)?;
                Ok(Built::Ready(RoomBody::Observe {
                    account: *account,
                    head,
                    closings,
                }))
            }
        }
    }

    fn build_change(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        change: &PlaceChange,
    ) -> Result<Built, ReadError> {
        let id = place.id();
        let body = match change.clone() {
            PlaceChange::AddMember { account, roles } => {
                return self.build_add(work, account, &roles);
            }
            PlaceChange::RevokeInvite { invite } => RoomBody::RevokeInvite {
                invite: InviteId(invite),
            },
            PlaceChange::Approve { account } => RoomBody::Approve { account },
            PlaceChange::Decline { account } => RoomBody::Decline { account },
            PlaceChange::Leave => {
                let own = work.own()?.account;
                // Who only asked has no chains.
                let closings = match place.chain.state().member(own) {
                    Some(_) => self.closings_of(work, id, own)?,
                    None => Vec::new(),
                };
                RoomBody::Leave { closings }
            }
            PlaceChange::Remove { account, reason } => {
                let Some(reason) = self.sealed_reason(work, place, account, &reason)? else {
                    return Ok(Built::Fails(Failure::place_text()));
                };
                RoomBody::Remove {
                    account,
                    reason,
                    closings: self.closings_of(work, id, account)?,
                }
            }
            PlaceChange::Ban { account, reason } => {
                let Some(reason) = self.sealed_reason(work, place, account, &reason)? else {
                    return Ok(Built::Fails(Failure::place_text()));
                };
                RoomBody::Ban {
                    account,
                    reason,
                    closings: self.closings_of(work, id, account)?,
                }
            }
            PlaceChange::Unban { account } => RoomBody::Unban { account },
            PlaceChange::Mute {
                account,
                until,
                reason,
            } => {
                let Some(reason) = self.sealed_reason(work, place, account, &reason)? else {
                    return Ok(Built::Fails(Failure::place_text()));
                };
                RoomBody::MuteUntil {
                    account,
                    until: Timestamp(until),
                    reason,
                }
            }
            PlaceChange::DefineRole { role } => match self.role_definition(work, place, &role, None)? {
                Ok(definition) => RoomBody::DefineRole(definition),
                Err(failure) => return Ok(Built::Fails(failure)),
            },
            PlaceChange::UpdateRole { id, role } => {
                match self.role_definition(work, place, &role, Some(RoleId(id)))? {
                    Ok(definition) => RoomBody::UpdateRole {
                        role: RoleId(id),
                        definition,
                    },
                    Err(failure) => return Ok(Built::Fails(failure)),
                }
            }
            PlaceChange::RemoveRole { id } => RoomBody::RemoveRole { role: RoleId(id) },
            PlaceChange::SetRoles { account, roles } => RoomBody::SetRoles {
                account,
                roles: role_ids(&roles),
            },
            PlaceChange::Transfer { account } => RoomBody::Transfer { account },
            PlaceChange::SetPolicy { channel, policy } => RoomBody::Policy {
                channel: channel.map(ChannelId),
                policy: policy_of(&policy),
            },
            PlaceChange::SetText { field, text } => {
                let (field, max) = match field {
                    PlaceField::Name => (MetadataField::Name, NAME_MAX),
                    PlaceField::Topic => (MetadataField::Topic, LINE_MAX),
                    PlaceField::Description => (MetadataField::Description, DESCRIPTION_MAX),
                    PlaceField::Icon => (MetadataField::Icon, LINE_MAX),
                };
                let text = text.trim();
                let is_named = field != MetadataField::Name || !text.is_empty();
                if text.chars().count() > max || !is_named {
                    return Ok(Built::Fails(Failure::place_name()));
                }
                let Some(sealed) = self.sealed_text(work, place, Value::Metadata(field), text, None)? else {
                    return Ok(Built::Fails(Failure::place_text()));
                };
                RoomBody::Metadata { field, sealed }
            }
            PlaceChange::SetNickname { account, nickname } => {
                let nickname = nickname.trim();
                if nickname.chars().count() > NAME_MAX || nickname.len() > NICKNAME_MAX {
                    return Ok(Built::Fails(Failure::place_text()));
                }
                let sealed = self.sealed_text(work, place, Value::Nickname(account), nickname, None)?;
                let Some(sealed) = sealed else {
                    return Ok(Built::Fails(Failure::place_text()));
                };
                RoomBody::Nickname { account, sealed }
            }
            PlaceChange::CreateChannel { kind, channel } => {
                match self.channel_definition(work, place, &channel, None)? {
                    Ok(definition) => RoomBody::CreateChannel {
                        kind: channel_kind(kind),
                        definition,
                        policy: Policy {
                            // A channel that all read is read from its beginning.
                            history: History::All,
                            ..Policy::default()
                        },
                    },
                    Err(failure) => return Ok(Built::Fails(failure)),
                }
            }
            PlaceChange::UpdateChannel { id, channel } => {
                match self.channel_definition(work, place, &channel, Some(ChannelId(id)))? {
                    Ok(definition) => RoomBody::UpdateChannel {
                        channel: ChannelId(id),
                        definition,
                    },
                    Err(failure) => return Ok(Built::Fails(failure)),
                }
            }
            PlaceChange::DeleteChannel { id } => RoomBody::DeleteChannel {
                channel: ChannelId(id),
            },
            PlaceChange::CreateCategory { name, position } => {
                match self.category_definition(work, place, &name, position, None)? {
                    Ok(definition) => RoomBody::CreateCategory(definition),
                    Err(failure) => return Ok(Built::Fails(failure)),
                }
            }
            PlaceChange::UpdateCategory { id, name, position } => {
                match self.category_definition(work, place, &name, position, Some(CategoryId(id)))? {
                    Ok(definition) => RoomBody::UpdateCategory {
                        category: CategoryId(id),
                        definition,
                    },
                    Err(failure) => return Ok(Built::Fails(failure)),
                }
            }
            PlaceChange::DeleteCategory { id } => RoomBody::DeleteCategory {
                category: CategoryId(id),
            },
            PlaceChange::Close => RoomBody::Close,
        };
        Ok(Built::Ready(body))
    }

    /// Somebody is added as their chain stands; they are looked up where they are not known here.
    fn build_add(
        &mut self,
        work: &mut Work<'_>,
        account: AccountId,
        roles: &[u32],
    ) -> Result<Built, ReadError> {
        if !self.keep_found(work, account)? {
            return Ok(Built::Fails(Failure::chain_invalid()));
        }
        let Some(person) = self.person(work, account)? else {
            let need = Need::Person(account);
            if was_refused(self.needs.get(&need)) {
                return Ok(Built::Fails(Failure::server(ErrorCode::UnknownPerson, None)));
            }
            self.need(work, need)?;
            return Ok(Built::Waits);
        };
        if work.is_disputed(account)? {
            return Ok(Built::Fails(Failure::chain_invalid()));
        }
        Ok(Built::Ready(RoomBody::Add {
            account,
            head: AccountHead {
                sequence: person.chain.head(),
                hash: person.chain.head_hash(),
            },
            roles: role_ids(roles),
        }))
    }

    /// A text under the key in force; empty for nothing, none where it is too long.
    fn sealed_text(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        value: Value,
        text: &str,
        more: Option<String>,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        if text.is_empty() && more.is_none() {
            return Ok(Some(Vec::new()));
        }
        let key: PlaceKey = self.key_in_force(work, place)?;
        let words = Words {
            text: text.to_owned(),
            more,
        };
        Ok(seal(&key, place.id(), value, &words, &mut work.rng))
    }

    fn sealed_reason(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        account: AccountId,
        reason: &str,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let reason = reason.trim();
        if reason.chars().count() > LINE_MAX || reason.len() > DESCRIPTION_MAX.saturating_sub(200) {
            return Ok(None);
        }
        self.sealed_text(work, place, Value::Reason(account), reason, None)
    }

    /// A role as it is to be. What it is called stays sealed as it was, where that does not change.
    fn role_definition(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        form: &RoleForm,
        known: Option<RoleId>,
    ) -> Result<Result<RoleDefinition, Failure>, ReadError> {
        let Some(permissions) = permissions_of(&form.permissions) else {
            return Ok(Err(Failure::place_permission()));
        };
        let name = form.name.trim();
        let is_everyone = known == Some(RoleId::EVERYONE);
        let rank = Rank(form.rank);
        if is_everyone {
            return Ok(Ok(RoleDefinition {
                rank,
                permissions,
                sealed: Vec::new(),
            }));
        }
        if name.is_empty() || name.chars().count() > NAME_MAX {
            return Ok(Err(Failure::place_name()));
        }
        let words = Words {
            text: name.to_owned(),
            more: form.colour.clone(),
        };
        let before = known
            .and_then(|id| place.chain.state().role(id))
            .map(|role| role.definition.sealed.clone());
        let Some(sealed) = self.sealed_or_kept(work, place, Value::Role, words, before)? else {
            return Ok(Err(Failure::place_text()));
        };
        Ok(Ok(RoleDefinition {
            rank,
            permissions,
            sealed,
        }))
    }

    fn channel_definition(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        form: &ChannelForm,
        known: Option<ChannelId>,
    ) -> Result<Result<ChannelDefinition, Failure>, ReadError> {
        let name = form.name.trim();
        let topic = form.topic.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX {
            return Ok(Err(Failure::place_name()));
        }
        if topic.chars().count() > LINE_MAX {
            return Ok(Err(Failure::place_text()));
        }
        let words = Words {
            text: name.to_owned(),
            more: (!topic.is_empty()).then(|| topic.to_owned()),
        };
        let before = known
            .and_then(|id| place.chain.state().channel(id))
            .map(|channel| channel.sealed.clone());
        let Some(sealed) = self.sealed_or_kept(work, place, Value::Channel, words, before)? else {
            return Ok(Err(Failure::place_text()));
        };
        Ok(Ok(ChannelDefinition {
            category: form.category.map(CategoryId),
            position: form.position,
            access: audience(form.readers.as_deref()),
            sealed,
        }))
    }

    fn category_definition(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        name: &str,
        position: u16,
        known: Option<CategoryId>,
    ) -> Result<Result<CategoryDefinition, Failure>, ReadError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX {
            return Ok(Err(Failure::place_name()));
        }
        let words = Words {
            text: name.to_owned(),
            more: None,
        };
        let before = known
            .and_then(|id| place.chain.state().categories().find(|(found, _)| *found == id))
            .map(|(_, category)| category.definition.sealed.clone());
        let sealed = self.sealed_or_kept(work, place, Value::Category, words, before)?;
        Ok(match sealed {
            Some(sealed) => Ok(CategoryDefinition { position, sealed }),
            None => Err(Failure::place_text()),
        })
    }

    /// Words as they are sealed already, where they are the same; else sealed anew.
    fn sealed_or_kept(
        &mut self,
        work: &mut Work<'_>,
        place: &Place,
        value: Value,
        words: Words,
        before: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        if let Some(before) = before
            && work.place_names(place.id())?.open(value, &before).as_ref() == Some(&words)
        {
            return Ok(Some(before));
        }
        self.sealed_text(work, place, value, &words.text, words.more)
    }
}

fn build_invite(work: &Work<'_>, form: &InviteForm, secret: &InviteSecret) -> Built {
    Built::Ready(RoomBody::Invite(InviteTerms {
        key: secret.key().public().to_bytes(),
        uses: form.uses,
        expires: form.life.map(|life| work.now.plus(life)),
        approval: form.approval,
        roles: role_ids(&form.roles),
    }))
}

/// Roles as an entry lists them: in order, each once, without that of everyone.
fn role_ids(roles: &[u32]) -> Vec<RoleId> {
    let mut ids: Vec<RoleId> = roles.iter().copied().map(RoleId).collect();
    ids.retain(|id| *id != RoleId::EVERYONE);
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn audience(roles: Option<&[u32]>) -> Audience {
    roles.map_or(Audience::Everyone, |roles| Audience::Roles(role_ids(roles)))
}

fn policy_of(form: &PolicyForm) -> Policy {
    Policy {
        history: if form.history {
            History::All
        } else {
            History::SinceJoining
        },
        disappearing: form.disappearing,
        slow_mode: form.slow_mode,
        posting: audience(form.posting.as_deref()),
        read_only: form.read_only,
        archived: form.archived,
        keep_nothing: form.keep_nothing,
    }
}

fn permissions_of(names: &[String]) -> Option<Permissions> {
    names.iter().try_fold(Permissions::NONE, |all, name| {
        let named = |(known, _): &&(&str, Permissions)| known.eq_ignore_ascii_case(name);
        let (_, permission) = Permissions::NAMED.iter().find(named)?;
        Some(all.union(*permission))
    })
}

fn channel_kind(kind: ChannelSort) -> ChannelKind {
    match kind {
        ChannelSort::Text => ChannelKind::Text,
        ChannelSort::Announcement => ChannelKind::Announcement,
        ChannelSort::Gallery => ChannelKind::Gallery,
        ChannelSort::Voice => ChannelKind::Voice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_known_by_name_and_others_are_refused() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let both = Permissions::KICK.union(Permissions::BAN);
        assert_eq!(permissions_of(&names(&["kick", "BAN"])), Some(both));
        assert_eq!(permissions_of(&[]), Some(Permissions::NONE));
        assert_eq!(permissions_of(&names(&["kick", "fly"])), None);
    }

    #[test]
    fn roles_are_listed_in_order_each_once_and_without_that_of_everyone() {
        assert_eq!(role_ids(&[9, 0, 4, 9]), [RoleId(4), RoleId(9)]);
    }
}
