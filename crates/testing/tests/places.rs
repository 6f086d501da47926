//! Groups and communities, told with a real server and real engines.

use conclave_client::views::{
    BodyView, ChannelForm, ChannelSort, EntryView, InviteForm, NoticeView, PlaceChange, PlaceField,
    PlaceSort, PlaceStateView, PlaceView, PolicyForm, PostingView, RoleForm,
};
use conclave_protocol::{AccountId, PlaceId, RoomId};
use conclave_testing::{Person, World};

/// A place as somebody sees it.
async fn seen(person: &Person, place: PlaceId) -> Option<PlaceView> {
    person.device().find_place(place).await.expect("a place")
}

/// Waits until somebody sees a place as it should be.
async fn sees_place(
    person: &Person,
    place: PlaceId,
    what: &str,
    wanted: impl Fn(&PlaceView) -> bool,
) -> PlaceView {
    person
        .waits(what, async || match seen(person, place).await {
            Some(view) if wanted(&view) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    seen(person, place).await.expect("a place")
}

async fn sees_members(person: &Person, place: PlaceId, names: &[&str]) {
    person
        .waits("the members", async || {
            let members = person.device().list_members(place).await.expect("members");
            let mut seen: Vec<String> = members
                .into_iter()
                .map(|member| member.username.unwrap_or_else(|| "?".to_owned()))
                .collect();
            seen.sort();
            let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names.sort();
            if seen == names {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
}

/// The notices of a room, in order, with accounts by name.
async fn notices(person: &Person, room: RoomId) -> Vec<NoticeView> {
    let rows = person
        .device()
        .list_messages(room, None, 1_000)
        .await
        .expect("rows");
    rows.into_iter()
        .filter_map(|row| match row.body {
            BodyView::Notice { notice } => Some(notice),
            _ => None,
        })
        .collect()
}

async fn finds(person: &Person, other: &Person) -> AccountId {
    let found = person
        .device()
        .find_person(other.name(), None)
        .await
        .expect("a person");
    found.account
}

async fn a_group(owner: &Person, name: &str, people: &[&Person]) -> (PlaceId, RoomId) {
    let mut accounts = Vec::new();
    for person in people {
        accounts.push(finds(owner, person).await);
    }
    let made = owner
        .device()
        .create_place(PlaceSort::Group, name, &accounts)
        .await
        .expect("a group");
    (made.place, made.room)
}

async fn changes(person: &Person, place: PlaceId, change: PlaceChange) {
    person
        .device()
        .change_place(place, change)
        .await
        .expect("a change");
}

async fn is_refused(person: &Person, place: PlaceId, change: PlaceChange, code: &str) {
    let refused = person.device().change_place(place, change).await;
    match refused {
        Err(conclave_sdk::SdkError::Failed(failure)) => assert_eq!(failure.code, code),
        other => panic!("expected {code}, got {other:?}"),
    }
}

async fn three(world: &World) -> (Person, Person, Person) {
    let alice = world.registers("alice").await;
    let bob = world.registers("bob").await;
    let carol = world.registers("carol").await;
    (alice, bob, carol)
}

fn named(title: &str) -> impl Fn(&PlaceView) -> bool {
    let title = title.to_owned();
    move |view: &PlaceView| view.title.as_deref() == Some(title.as_str()) && !view.names_missing
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_three_has_its_name_and_members_at_each_of_them() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, room) = a_group(&alice, "Friends", &[&bob, &carol]).await;
    for person in [&alice, &bob, &carol] {
        let view = sees_place(person, group, "the group", named("Friends")).await;
        assert_eq!(view.state, PlaceStateView::Member);
        assert_eq!(view.kind, PlaceSort::Group);
        sees_members(person, group, &["alice", "bob", "carol"]).await;
        let chats = person.device().list_chats().await.expect("chats");
        let chat = chats
            .iter()
            .find(|chat| chat.room == room.to_string())
            .expect("a chat");
        assert_eq!(chat.title.as_deref(), Some("Friends"));
        assert_eq!(chat.posting, PostingView::Allowed);
    }
    assert!(alice.warnings().is_empty(), "{:?}", alice.warnings());
    assert!(bob.warnings().is_empty(), "{:?}", bob.warnings());
    // Who was added sees their own entry first; who was there sees all.
    let told = notices(&alice, room).await;
    let joined = |account: &AccountId| NoticeView::Joined {
        account: account.to_string(),
        how: EntryView::Added,
    };
    let (b, c) = (bob.account().await, carol.account().await);
    assert_eq!(told.first(), Some(&NoticeView::Created));
    assert!(
        told.contains(&joined(&b)) && told.contains(&joined(&c)),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_group_is_renamed_everywhere_and_says_so() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, room) = a_group(&alice, "Friends", &[&bob, &carol]).await;
    sees_place(&bob, group, "the group", named("Friends")).await;
    changes(
        &bob,
        group,
        PlaceChange::SetText {
            field: PlaceField::Name,
            text: "Old friends".into(),
        },
    )
    .await;
    for person in [&alice, &bob, &carol] {
        sees_place(person, group, "the new name", named("Old friends")).await;
        person
            .waits("the notice", async || {
                let told = notices(person, room).await;
                let renamed = NoticeView::Renamed {
                    title: Some("Old friends".into()),
                };
                if told.contains(&renamed) {
                    Ok(())
                } else {
                    Err(format!("{told:?}"))
                }
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_one_lets_one_in_and_shows_the_name_before() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, _) = a_group(&alice, "Book club", &[]).await;
    let terms = InviteForm {
        uses: Some(1),
        ..InviteForm::default()
    };
    let made = alice
        .device()
        .make_place_invite(group, terms)
        .await
        .expect("an invite");
    let preview = bob.device().preview_invite(&made.link).await.expect("a preview");
    assert_eq!(preview.title.as_deref(), Some("Book club"));
    assert_eq!(preview.members, 1);
    assert_eq!(
        preview.inviter.map(|inviter| inviter.username).as_deref(),
        Some("alice")
    );
    let joined = bob.device().join_place(&made.link).await.expect("joined");
    assert!(!joined.waiting);
    sees_place(&bob, group, "the group", named("Book club")).await;
    sees_members(&alice, group, &["alice", "bob"]).await;
    let refused = carol.device().join_place(&made.link).await;
    match refused {
        Err(conclave_sdk::SdkError::Failed(failure)) => assert_eq!(failure.code, "place_invite_invalid"),
        other => panic!("{other:?}"),
    }
    let view = seen(&alice, group).await.expect("the group");
    assert!(view.invites.is_empty(), "it is used up");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_to_be_let_in_is_let_in_or_not() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, _) = a_group(&alice, "Choir", &[]).await;
    let terms = InviteForm {
        approval: true,
        ..InviteForm::default()
    };
    let made = alice
        .device()
        .make_place_invite(group, terms)
        .await
        .expect("an invite");
    for person in [&bob, &carol] {
        let joined = person.device().join_place(&made.link).await.expect("asked");
        assert!(joined.waiting);
        assert_eq!(
            seen(person, group).await.expect("it waits").state,
            PlaceStateView::Waiting
        );
    }
    sees_place(&alice, group, "two requests", |view| view.requests.len() == 2).await;
    let (b, c) = (bob.account().await, carol.account().await);
    changes(&alice, group, PlaceChange::Approve { account: b }).await;
    changes(&alice, group, PlaceChange::Decline { account: c }).await;
    sees_place(&bob, group, "being let in", |view| {
        view.state == PlaceStateView::Member
    })
    .await;
    sees_place(&bob, group, "the name", named("Choir")).await;
    sees_place(&carol, group, "a no", |view| {
        view.state == PlaceStateView::Declined
    })
    .await;
    sees_members(&alice, group, &["alice", "bob"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_keeps_what_was_written_and_sees_by_whom_and_why() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, room) = a_group(&alice, "Friends", &[&bob, &carol]).await;
    sees_place(&bob, group, "the group", named("Friends")).await;
    sees_place(&carol, group, "the group", named("Friends")).await;
    let (a, b) = (alice.account().await, bob.account().await);
    is_refused(
        &carol,
        group,
        PlaceChange::Remove {
            account: b,
            reason: String::new(),
        },
        "place_not_allowed",
    )
    .await;
    changes(
        &alice,
        group,
        PlaceChange::Remove {
            account: b,
            reason: "spoilers".into(),
        },
    )
    .await;
    let view = sees_place(&bob, group, "being out", |view| {
        view.state != PlaceStateView::Member
    })
    .await;
    assert_eq!(
        view.state,
        PlaceStateView::Removed {
            by: a.to_string(),
            reason: Some("spoilers".into())
        }
    );
    let told = notices(&bob, room).await;
    assert!(
        matches!(told.last(), Some(NoticeView::Removed { .. })),
        "{told:?}"
    );
    let chats = bob.device().list_chats().await.expect("chats");
    let chat = chats
        .iter()
        .find(|chat| chat.room == room.to_string())
        .expect("it stays");
    assert_eq!(chat.posting, PostingView::NotMember);
    sees_members(&carol, group, &["alice", "carol"]).await;
    is_refused(&bob, group, PlaceChange::Leave, "place_not_member").await;
    // A name given after that is not for who had to go.
    changes(
        &alice,
        group,
        PlaceChange::SetText {
            field: PlaceField::Name,
            text: "Us two".into(),
        },
    )
    .await;
    sees_place(&carol, group, "the new name", named("Us two")).await;
    assert_eq!(
        seen(&bob, group).await.expect("the old one").title.as_deref(),
        Some("Friends")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_while_removed_is_out_when_they_come_back() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, _) = a_group(&alice, "Friends", &[&bob, &carol]).await;
    sees_place(&bob, group, "the group", named("Friends")).await;
    bob.goes_offline().await;
    let account = bob.account().await;
    changes(
        &alice,
        group,
        PlaceChange::Remove {
            account,
            reason: String::new(),
        },
    )
    .await;
    bob.comes_back().await;
    let view = sees_place(&bob, group, "being out", |view| {
        view.state != PlaceStateView::Member
    })
    .await;
    let by = alice.account().await.to_string();
    assert_eq!(view.state, PlaceStateView::Removed { by, reason: None });
    // What happened after is not shown, and who comes back sees everything again.
    bob.goes_offline().await;
    let text = "Us".into();
    let field = PlaceField::Name;
    changes(&alice, group, PlaceChange::SetText { field, text }).await;
    let roles = Vec::new();
    changes(&alice, group, PlaceChange::AddMember { account, roles }).await;
    bob.comes_back().await;
    sees_place(&bob, group, "the new name", named("Us")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_which_the_server_shows_nothing_any_more_is_said_to_be_out_of_reach() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, _) = a_group(&alice, "Friends", &[&bob, &carol]).await;
    sees_place(&bob, group, "the group", named("Friends")).await;
    world.server_stops().await;
    let account = bob.account().await;
    let database = rusqlite::Connection::open(world.server_data().join("conclave.db")).unwrap();
    let forgotten = database
        .execute("DELETE FROM place_members WHERE account = ?1", [account.0])
        .unwrap();
    assert_eq!(forgotten, 1);
    drop(database);
    world.server_starts().await;
    bob.is_warned("place_unlisted").await;
    let view = seen(&bob, group).await.expect("it stays readable");
    assert_eq!(view.state, PlaceStateView::Unlisted);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_out_and_the_owner_hands_over_first() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, _) = a_group(&alice, "Friends", &[&bob, &carol]).await;
    sees_place(&bob, group, "the group", named("Friends")).await;
    is_refused(&alice, group, PlaceChange::Leave, "place_owner").await;
    let account = bob.account().await;
    changes(&alice, group, PlaceChange::Transfer { account }).await;
    changes(&alice, group, PlaceChange::Leave).await;
    assert_eq!(
        seen(&alice, group).await.expect("it stays").state,
        PlaceStateView::Left
    );
    sees_members(&carol, group, &["bob", "carol"]).await;
    let view = sees_place(&bob, group, "owning it", |view| view.is_owner).await;
    assert_eq!(view.members, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_act_at_once_both_get_what_they_wanted() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, _) = a_group(&alice, "Friends", &[&bob, &carol]).await;
    sees_place(&bob, group, "the group", named("Friends")).await;
    let dora = world.registers("dora").await;
    let emil = world.registers("emil").await;
    let (d, e) = (finds(&alice, &dora).await, finds(&bob, &emil).await);
    let add = |account| PlaceChange::AddMember {
        account,
        roles: Vec::new(),
    };
    tokio::join!(changes(&alice, group, add(d)), changes(&bob, group, add(e)));
    for person in [&alice, &bob, &carol, &dora, &emil] {
        sees_members(person, group, &["alice", "bob", "carol", "dora", "emil"]).await;
        sees_place(person, group, "the name", named("Friends")).await;
    }
    // The same person by both: one of them was faster, and both are content.
    let finn = world.registers("finn").await;
    let (one, other) = (finds(&alice, &finn).await, finds(&bob, &finn).await);
    tokio::join!(changes(&alice, group, add(one)), changes(&bob, group, add(other)));
    sees_place(&finn, group, "the name", named("Friends")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_device_is_recorded_in_the_group_by_itself() {
    let world = World::begin().await;
    let (alice, bob, _) = three(&world).await;
    let (group, _) = a_group(&alice, "Friends", &[&bob]).await;
    sees_place(&bob, group, "the group", named("Friends")).await;
    let phone = bob.adds_a_device("phone").await;
    sees_place(&phone, group, "the group at the new device", named("Friends")).await;
    let devices = bob.device().list_devices().await.expect("devices");
    let lost = devices
        .iter()
        .find(|device| !device.this)
        .expect("the phone")
        .device;
    bob.device()
        .revoke_device(conclave_protocol::DeviceId(lost))
        .await
        .expect("revoked");
    // A message after it needs the observation; that it is taken shows that it stands.
    let room = RoomId::group(group);
    let sent = alice
        .device()
        .send_text(room, "only for us")
        .await
        .expect("queued");
    alice
        .device()
        .wait_until_sent(sent, std::time::Duration::from_secs(30))
        .await
        .expect("sent");
    assert!(alice.warnings().is_empty(), "{:?}", alice.warnings());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_goes_on_after_a_restart_and_names_come_from_the_disk() {
    let world = World::begin().await;
    let (alice, bob, _) = three(&world).await;
    let (group, room) = a_group(&alice, "Friends", &[&bob]).await;
    sees_place(&bob, group, "the group", named("Friends")).await;
    let alice = alice.begins_again().await;
    let bob = bob.begins_again().await;
    for person in [&alice, &bob] {
        let view = seen(person, group).await.expect("the group is on the disk");
        assert_eq!(view.title.as_deref(), Some("Friends"));
        person.is_online().await;
    }
    let told = notices(&alice, room).await;
    let began = told
        .iter()
        .filter(|notice| **notice == NoticeView::Created)
        .count();
    assert_eq!(began, 1, "nothing is told twice: {told:?}");
    changes(
        &alice,
        group,
        PlaceChange::SetText {
            field: PlaceField::Topic,
            text: "tea".into(),
        },
    )
    .await;
    sees_place(&bob, group, "the topic", |view| {
        view.topic.as_deref() == Some("tea")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_has_channels_roles_and_a_private_corner() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (b, c) = (finds(&alice, &bob).await, finds(&alice, &carol).await);
    let made = alice
        .device()
        .create_place(PlaceSort::Community, "Lighthouse", &[b, c])
        .await
        .expect("a community");
    let place = made.place;
    let view = sees_place(&bob, place, "the first channel", |view| view.channels.len() == 1).await;
    assert_eq!(
        RoomId::channel(place, view.channels[0].channel).to_string(),
        view.channels[0].room
    );
    sees_place(&bob, place, "its name", |view| {
        view.channels
            .first()
            .is_some_and(|channel| channel.title.as_deref() == Some("general"))
    })
    .await;
    changes(
        &alice,
        place,
        PlaceChange::DefineRole {
            role: RoleForm {
                name: "Keepers".into(),
                colour: Some("amber".into()),
                rank: 10,
                permissions: vec!["kick".into()],
            },
        },
    )
    .await;
    let view = seen(&alice, place).await.expect("the community");
    let role = view
        .roles
        .iter()
        .find(|role| role.title.as_deref() == Some("Keepers"))
        .expect("a role");
    let role = role.role;
    changes(
        &alice,
        place,
        PlaceChange::CreateChannel {
            kind: ChannelSort::Text,
            channel: ChannelForm {
                name: "tower".into(),
                topic: "for keepers".into(),
                position: 1,
                readers: Some(vec![role]),
                ..ChannelForm::default()
            },
        },
    )
    .await;
    changes(
        &alice,
        place,
        PlaceChange::SetRoles {
            account: b,
            roles: vec![role],
        },
    )
    .await;
    let view = sees_place(&bob, place, "the tower", |view| view.channels.len() == 2).await;
    assert_eq!(view.channels[1].title.as_deref(), Some("tower"));
    assert_eq!(view.channels[1].topic.as_deref(), Some("for keepers"));
    assert_eq!(view.own_roles, [role]);
    assert!(view.permissions.contains(&"kick".to_owned()));
    let view = sees_place(&carol, place, "the role", |view| view.roles.len() == 2).await;
    assert_eq!(view.channels.len(), 1, "the tower is not for her");
    // Read-only for all, and said so.
    let general = view.channels[0].channel;
    changes(
        &alice,
        place,
        PlaceChange::SetPolicy {
            channel: Some(general),
            policy: PolicyForm {
                history: true,
                read_only: true,
                ..PolicyForm::default()
            },
        },
    )
    .await;
    sees_place(&carol, place, "read-only", |view| {
        view.channels[0].posting == PostingView::ReadOnly
    })
    .await;
    // Banned, and not let in again until that is lifted.
    changes(
        &alice,
        place,
        PlaceChange::Ban {
            account: c,
            reason: String::new(),
        },
    )
    .await;
    sees_place(&carol, place, "the ban", |view| {
        matches!(view.state, PlaceStateView::Banned { .. })
    })
    .await;
    let add = PlaceChange::AddMember {
        account: c,
        roles: Vec::new(),
    };
    is_refused(&alice, place, add.clone(), "banned").await;
    changes(&alice, place, PlaceChange::Unban { account: c }).await;
    changes(&alice, place, add).await;
    sees_place(&carol, place, "being back", |view| {
        view.state == PlaceStateView::Member
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_a_nickname_and_the_end_of_a_group_are_seen_by_all() {
    let world = World::begin().await;
    let (alice, bob, carol) = three(&world).await;
    let (group, _) = a_group(&alice, "Friends", &[&bob, &carol]).await;
    sees_place(&bob, group, "the group", named("Friends")).await;
    let account = bob.account().await;
    changes(
        &bob,
        group,
        PlaceChange::SetNickname {
            account,
            nickname: "Bobby".into(),
        },
    )
    .await;
    carol
        .waits("the nickname", async || {
            let members = carol.device().list_members(group).await.expect("members");
            let seen: Vec<_> = members
                .iter()
                .filter_map(|member| member.nickname.clone())
                .collect();
            if seen == ["Bobby"] {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
    let until = conclave_sdk::clock::system()().0 + 60 * 60 * 1000;
    changes(
        &alice,
        group,
        PlaceChange::Mute {
            account,
            until,
            reason: "late".into(),
        },
    )
    .await;
    bob.waits("the mute", async || {
        let chats = bob.device().list_chats().await.expect("chats");
        let posting = chats
            .into_iter()
            .find(|chat| chat.place.is_some())
            .map(|chat| chat.posting);
        if posting == Some(PostingView::Muted { until }) {
            Ok(())
        } else {
            Err(format!("{posting:?}"))
        }
    })
    .await;
    changes(&alice, group, PlaceChange::Close).await;
    for person in [&alice, &bob, &carol] {
        sees_place(person, group, "the end", |view| {
            view.state == PlaceStateView::Closed
        })
        .await;
    }
    is_refused(&bob, group, PlaceChange::Leave, "place_closed").await;
}
