//! Groups, in words of a story.

use conclave_client::views::{BodyView, MessageView, PlaceChange, PlaceSort, PolicyForm};
use conclave_protocol::{EnvelopeId, PlaceId, RoomId};

use crate::person::Person;

/// A group in a story.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its chain.
    pub place: PlaceId,
    /// Its one room.
    pub room: RoomId,
}

impl Person {
    /// Makes a group with these people in it.
    pub async fn makes_a_group(&self, name: &str, others: &[&Person]) -> Group {
        let mut people = Vec::new();
        for other in others {
            self.device()
                .find_person(other.name(), None)
                .await
                .expect("a person");
            people.push(other.account().await);
        }
        let made = self
            .device()
            .create_place(PlaceSort::Group, name, &people)
            .await
            .expect("a group");
        Group {
            place: made.place,
            room: made.room,
        }
    }

    /// Adds somebody to a group.
    pub async fn lets_in(&self, group: Group, other: &Person) {
        self.device()
            .find_person(other.name(), None)
            .await
            .expect("a person");
        let account = other.account().await;
        let roles = Vec::new();
        self.changes(group, PlaceChange::AddMember { account, roles })
            .await;
    }

    /// Removes somebody from a group.
    pub async fn throws_out(&self, group: Group, other: &Person) {
        let account = other.account().await;
        let reason = String::new();
        self.changes(group, PlaceChange::Remove { account, reason }).await;
    }

    /// Lets newcomers read what was said before they came.
    pub async fn shares_the_past(&self, group: Group) {
        let policy = PolicyForm {
            history: true,
            ..PolicyForm::default()
        };
        let channel = None;
        self.changes(group, PlaceChange::SetPolicy { channel, policy })
            .await;
    }

    /// Says something in the log of a group.
    pub async fn changes(&self, group: Group, change: PlaceChange) {
        self.device()
            .change_place(group.place, change)
            .await
            .expect("the log takes it");
    }

    /// Says something in a group; returns when it is in the outbox.
    pub async fn says(&self, group: Group, text: &str) -> EnvelopeId {
        self.device()
            .send_text(group.room, text)
            .await
            .expect("taken into the outbox")
    }

    /// What was said in a group, as it stands here; what only happened is left out.
    pub async fn timeline_of(&self, group: Group) -> Vec<MessageView> {
        let rows = self
            .device()
            .list_messages(group.room, None, 10_000)
            .await
            .expect("a timeline");
        rows.into_iter()
            .filter(|row| !matches!(row.body, BodyView::Notice { .. }))
            .collect()
    }

    /// The words of a group's timeline; of what has none, what it is.
    pub async fn texts_of(&self, group: Group) -> Vec<String> {
        self.timeline_of(group)
            .await
            .into_iter()
            .map(|row| match row.body {
                BodyView::Text { text, .. } => text,
                other => format!("{other:?}"),
            })
            .collect()
    }

    /// Waits until a group's timeline is exactly this.
    pub async fn sees_in(&self, group: Group, texts: &[&str]) {
        self.waits("what was said in the group", async || {
            let seen = self.texts_of(group).await;
            if seen == texts {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
    }

    /// Waits until a group is known here.
    pub async fn is_in(&self, group: Group) {
        self.waits("the group", async || {
            match self.device().find_place(group.place).await {
                Ok(Some(_)) => Ok(()),
                other => Err(format!("{:?}", other.map(|_| ()))),
            }
        })
        .await;
    }
}
