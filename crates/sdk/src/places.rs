//! Groups and communities: one method for each goal.

use std::collections::BTreeMap;

use conclave_client::places::intents::PlaceIntent;
use conclave_client::views::{
    InviteForm, InviteMadeView, MemberView, Outcome, PersonView, PlaceChange, PlaceSort, PlaceView,
    PreviewView,
};
use conclave_client::{Failure, Intent};
use conclave_protocol::{AccountId, PlaceId, RoomId};
use conclave_store::Store;

use crate::{Device, SdkError};

/// A group or community that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadePlace {
    /// It.
    pub place: PlaceId,
    /// The room to open first: the group's, or the community's first channel.
    pub room: RoomId,
}

/// Where an invite's link led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinedPlace {
    /// The place.
    pub place: PlaceId,
    /// Somebody has to agree first.
    pub waiting: bool,
}

impl Device {
    /// Makes a group or community, and adds people who were found before.
    pub async fn create_place(
        &self,
        kind: PlaceSort,
        name: &str,
        people: &[AccountId],
    ) -> Result<MadePlace, SdkError> {
        let intent = PlaceIntent::Create {
            kind,
            name: name.to_owned(),
            people: people.to_vec(),
        };
        match self.ask(Intent::Place(intent)).await? {
            Outcome::Place { place, room } => Ok(MadePlace {
                place: place.parse().map_err(|_| SdkError::Mismatch)?,
                room: room.parse().map_err(|_| SdkError::Mismatch)?,
            }),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Looks at what stands behind an invite's link.
    pub async fn preview_invite(&self, link: &str) -> Result<PreviewView, SdkError> {
        let intent = PlaceIntent::Preview {
            link: link.to_owned(),
        };
        match self.ask(Intent::Place(intent)).await? {
            Outcome::Preview { preview } => Ok(preview),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Joins by an invite's link, or asks to be let in where it says so.
    pub async fn join_place(&self, link: &str) -> Result<JoinedPlace, SdkError> {
        let intent = PlaceIntent::Join {
            link: link.to_owned(),
        };
        match self.ask(Intent::Place(intent)).await? {
            Outcome::Joined { place, waiting } => Ok(JoinedPlace {
                place: place.parse().map_err(|_| SdkError::Mismatch)?,
                waiting,
            }),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Makes an invite's link. What it returns is the part behind the server's address.
    pub async fn make_place_invite(
        &self,
        place: PlaceId,
        terms: InviteForm,
    ) -> Result<InviteMadeView, SdkError> {
        match self
            .ask(Intent::Place(PlaceIntent::Invite { place, terms }))
            .await?
        {
            Outcome::PlaceInvite { invite } => Ok(invite),
            _ => Err(SdkError::Mismatch),
        }
    }

    /// Changes a group or community by one entry of its log.
    pub async fn change_place(&self, place: PlaceId, change: PlaceChange) -> Result<(), SdkError> {
        self.done(Intent::Place(PlaceIntent::Change { place, change }))
            .await
    }

    /// Lets somebody back in who started again: adds the account that they have now, removes the one that they had.
    pub async fn let_back_in(&self, place: PlaceId, former: AccountId) -> Result<(), SdkError> {
        self.done(Intent::Place(PlaceIntent::LetBackIn { place, former }))
            .await
    }

    /// The groups and communities on this device.
    pub async fn list_places(&self) -> Result<Vec<PlaceView>, SdkError> {
        self.look(|engine, store| {
            let unread = unread(store)?;
            Ok(engine
                .list_places(store, &unread)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }

    /// One group or community.
    pub async fn find_place(&self, place: PlaceId) -> Result<Option<PlaceView>, SdkError> {
        self.look(move |engine, store| {
            let unread = unread(store)?;
            Ok(engine
                .find_place(store, place, &unread)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }

    /// The members of a group or community.
    pub async fn list_members(&self, place: PlaceId) -> Result<Vec<MemberView>, SdkError> {
        self.look(move |engine, store| {
            Ok(engine
                .list_members(store, place)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }

    /// Who accounts are, where that is known here.
    pub async fn list_people(&self, accounts: Vec<AccountId>) -> Result<Vec<PersonView>, SdkError> {
        self.look(move |engine, store| {
            Ok(engine
                .list_people(store, &accounts)
                .map_err(|_| Failure::storage())?)
        })
        .await
    }
}

fn unread(store: &Store) -> Result<BTreeMap<RoomId, u32>, SdkError> {
    Ok(store.list_unread()?.into_iter().collect())
}
