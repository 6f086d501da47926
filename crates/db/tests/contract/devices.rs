use conclave_db::{
    Append, Appended, Ended, EndedLogin, EntryStored, Login, NewDistribution, NewEntry, Prekey, Refreshed,
};
use conclave_protocol::{Bytes, DeviceAddress, DeviceId, Timestamp};
use futures_util::future::{join, join_all};

use crate::logins::exchange;
use crate::support::Stage;
use crate::support::people::{
    NOW, account, append, device, hash, id, join as people_join, open_room, registration, room,
};

on_both_engines! {
    an_entry_that_is_the_next_one_is_stored_and_the_same_one_again_changes_nothing
    an_entry_that_is_not_the_next_one_is_refused_without_effect
    of_ten_entries_for_one_place_one_is_stored
    an_added_device_is_active_at_once_and_described
    a_revoked_device_loses_its_logins_mailbox_and_prekeys_in_the_same_step
    a_closed_account_has_no_devices_and_no_vault
    a_new_recovery_key_takes_the_place_of_the_old_one
    a_replaced_password_makes_what_was_begun_with_the_old_one_worthless
    a_login_of_a_device_that_is_being_revoked_is_refused_or_ended
    messages_during_an_addition_never_miss_the_new_device_behind_it
    a_room_that_is_opened_during_an_addition_never_misses_the_new_device
    peers_are_the_others_with_whom_an_account_shares_a_room
}

fn entry(number: u8, sequence: u32) -> NewEntry {
    NewEntry {
        account: account(number),
        sequence,
        bytes: vec![u8::try_from(sequence).unwrap(); 200],
        adds: false,
        revokes: Vec::new(),
        recovery: None,
        closes: false,
        password: None,
        now: NOW.plus(u64::from(sequence)),
    }
}

fn adds(number: u8, sequence: u32) -> NewEntry {
    NewEntry {
        adds: true,
        ..entry(number, sequence)
    }
}

/// Adds the device of this number, the next one, to the person of a number.
pub(crate) async fn add_device(stage: &Stage, person: u8, sequence: u32) -> DeviceAddress {
    let stored = stage.append_entry(&adds(person, sequence)).await.unwrap();
    assert_eq!(stored, done());
    device(person, sequence)
}

fn login(number: u8, address: DeviceAddress) -> Login {
    Login {
        id: [number; 16],
        address,
        created_at: NOW,
        refreshed_at: NOW.plus(7),
    }
}

fn done() -> EntryStored {
    EntryStored::Done(Vec::new())
}

async fn active(stage: &Stage, number: u8) -> Vec<u32> {
    let devices = stage.list_devices(account(number)).await.unwrap();
    devices.into_iter().map(|device| device.device.0).collect()
}

async fn an_entry_that_is_the_next_one_is_stored_and_the_same_one_again_changes_nothing(stage: Stage) {
    people_join(&stage, [1]).await;
    assert_eq!(
        stage.find_head(account(1)).await.unwrap(),
        Some((0, Bytes(vec![1; 280])))
    );
    assert_eq!(stage.append_entry(&adds(1, 1)).await.unwrap(), done());
    assert_eq!(
        stage.append_entry(&adds(1, 1)).await.unwrap(),
        EntryStored::Already
    );
    assert_eq!(stage.append_entry(&entry(1, 2)).await.unwrap(), done());
    assert_eq!(
        stage.append_entry(&adds(1, 1)).await.unwrap(),
        EntryStored::Already
    );
    assert_eq!(
        stage.find_head(account(1)).await.unwrap(),
        Some((2, Bytes(vec![2; 200])))
    );
    assert_eq!(active(&stage, 1).await, [0, 1]);
    assert_eq!(stage.find_head(account(9)).await.unwrap(), None);
}

async fn an_entry_that_is_not_the_next_one_is_refused_without_effect(stage: Stage) {
    people_join(&stage, [1]).await;
    stage.append_entry(&entry(1, 1)).await.unwrap();
    let other = NewEntry {
        bytes: vec![9; 200],
        revokes: vec![DeviceId(0)],
        ..adds(1, 1)
    };
    for refused in [other, adds(1, 0), adds(1, 3), adds(9, 1)] {
        assert_eq!(stage.append_entry(&refused).await.unwrap(), EntryStored::Moved);
    }
    assert_eq!(active(&stage, 1).await, [0]);
    assert_eq!(stage.number("SELECT count(*) FROM entries").await, 2);
}

async fn of_ten_entries_for_one_place_one_is_stored(stage: Stage) {
    people_join(&stage, [1]).await;
    let tries = (0..10_u8).map(|number| {
        let stage = stage.clone();
        async move {
            let entry = NewEntry {
                bytes: vec![number; 200],
                ..adds(1, 1)
            };
            stage.append_entry(&entry).await.unwrap()
        }
    });
    let outcomes = join_all(tries).await;
    let stored = outcomes.iter().filter(|outcome| **outcome == done()).count();
    let moved = outcomes
        .iter()
        .filter(|outcome| **outcome == EntryStored::Moved)
        .count();
    assert_eq!((stored, moved), (1, 9));
    assert_eq!(active(&stage, 1).await, [0, 1]);
}

async fn an_added_device_is_active_at_once_and_described(stage: Stage) {
    let [mia] = people_join(&stage, [1]).await;
    stage.insert_login(&login(1, mia), hash(1)).await.unwrap();
    stage.append_entry(&adds(1, 1)).await.unwrap();
    let described = stage.describe_devices(account(1), NOW).await.unwrap();
    let told: Vec<_> = described
        .iter()
        .map(|found| (found.device.0, found.added_at, found.seen_at, found.signed_in))
        .collect();
    assert_eq!(
        told,
        [(0, NOW, Some(NOW.plus(7)), true), (1, NOW.plus(1), None, false)]
    );
    let idle = stage.describe_devices(account(1), NOW.plus(8)).await.unwrap();
    assert!(!idle[0].signed_in && idle[0].seen_at == Some(NOW.plus(7)));
    stage.revoke_login([1; 16], NOW).await.unwrap();
    let out = stage.describe_devices(account(1), NOW).await.unwrap();
    assert!(!out[0].signed_in && out[0].seen_at == Some(NOW.plus(7)));
}

async fn a_revoked_device_loses_its_logins_mailbox_and_prekeys_in_the_same_step(stage: Stage) {
    let [mia, ben] = people_join(&stage, [1, 2]).await;
    let phone = device(1, 1);
    stage.append_entry(&adds(1, 1)).await.unwrap();
    for (number, address) in [(1, mia), (2, phone)] {
        let made = login(number, address);
        let begun = stage.insert_login(&made, hash(u64::from(number))).await.unwrap();
        assert_eq!(begun, Some(Vec::new()));
    }
    let direct = open_room(&stage, mia, ben).await;
    let sent = stage
        .append(vec![append(direct, ben, &[mia, phone], 1)], NOW)
        .await
        .unwrap();
    assert!(matches!(sent[0], Appended::Envelope { .. }));
    let bundle = |id| Prekey {
        id,
        bundle: vec![1; 100],
    };
    stage
        .insert_prekeys(phone, &[bundle(1), bundle(2)], Some(&bundle(3)), false)
        .await
        .unwrap();
    stage.claim_prekey(phone).await.unwrap();

    let revoke = NewEntry {
        revokes: vec![DeviceId(1)],
        ..entry(1, 2)
    };
    let EntryStored::Done(ended) = stage.append_entry(&revoke).await.unwrap() else {
        panic!("not stored")
    };
    let of_phone = EndedLogin {
        id: [2; 16],
        address: phone,
    };
    assert_eq!(ended, [of_phone]);
    assert_eq!(active(&stage, 1).await, [0]);
    assert!(stage.list_mailbox(phone, 0, 10, 10_000).await.unwrap().is_empty());
    assert_eq!(stage.list_mailbox(mia, 0, 10, 10_000).await.unwrap().len(), 1);
    assert_eq!(stage.count_prekeys(phone).await.unwrap(), (0, false));
    assert_eq!(stage.number("SELECT count(*) FROM claimed_prekeys").await, 0);
    assert_eq!(
        stage.rotate_login(&exchange(2, 9), NOW).await.unwrap(),
        Refreshed::Ended(Ended::DeviceRevoked)
    );
    assert!(matches!(
        stage.rotate_login(&exchange(1, 9), NOW).await.unwrap(),
        Refreshed::Rotated(_)
    ));
    let ended = [hash(1), hash(2), hash(3), hash(4)].map(|token| stage.find_ended_device(token));
    let ended: Vec<_> = join_all(ended).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(ended, [None, Some(account(1)), None, None]);
    let listed = stage.list_revoked_logins(NOW).await.unwrap();
    assert_eq!(listed, [([2; 16], Ended::DeviceRevoked)]);
    // It hears why for as long as its refresh token could have come.
    let day = Timestamp(NOW.0 + 24 * 60 * 60 * 1000);
    stage.expire(day).await.unwrap();
    assert_eq!(
        stage.rotate_login(&exchange(2, 9), day).await.unwrap(),
        Refreshed::Ended(Ended::DeviceRevoked)
    );
    let late = Timestamp(NOW.0 + 31 * 24 * 60 * 60 * 1000);
    stage.expire(late).await.unwrap();
    assert_eq!(
        stage.rotate_login(&exchange(2, 9), late).await.unwrap(),
        Refreshed::Unknown
    );
}

async fn a_closed_account_has_no_devices_and_no_vault(stage: Stage) {
    let [mia] = people_join(&stage, [1]).await;
    stage.insert_login(&login(1, mia), hash(1)).await.unwrap();
    stage
        .append_vault_records(account(1), 0, &[Bytes(vec![1])], u64::MAX)
        .await
        .unwrap();
    let close = NewEntry {
        revokes: vec![DeviceId(0)],
        closes: true,
        ..entry(1, 1)
    };
    assert!(matches!(
        stage.append_entry(&close).await.unwrap(),
        EntryStored::Done(ended) if ended.len() == 1
    ));
    assert!(stage.find_account(account(1)).await.unwrap().unwrap().closed);
    assert!(active(&stage, 1).await.is_empty());
    assert_eq!(stage.number("SELECT count(*) FROM vault_records").await, 0);
    assert_eq!(stage.count_vault_records(account(1)).await.unwrap(), 0);
    assert_eq!(
        stage.rotate_login(&exchange(1, 9), NOW).await.unwrap(),
        Refreshed::Ended(Ended::AccountClosed)
    );
}

async fn a_new_recovery_key_takes_the_place_of_the_old_one(stage: Stage) {
    people_join(&stage, [1]).await;
    let name = registration(1, conclave_db::Door::Setup).username;
    assert_eq!(
        stage.find_recovery(&name).await.unwrap(),
        Some((account(1), [1; 32]))
    );
    let rotate = NewEntry {
        recovery: Some([5; 32]),
        ..entry(1, 1)
    };
    stage.append_entry(&rotate).await.unwrap();
    assert_eq!(
        stage.find_recovery(&name).await.unwrap(),
        Some((account(1), [5; 32]))
    );
}

async fn a_replaced_password_makes_what_was_begun_with_the_old_one_worthless(stage: Stage) {
    people_join(&stage, [1]).await;
    let token = conclave_db::PendingToken {
        id: hash(1),
        account: account(1),
        kind: conclave_db::PendingKind::Login,
        password: 0,
        expires: NOW.plus(1000),
    };
    stage.insert_pending_token(&token).await.unwrap();
    assert!(stage.find_pending_token(hash(1), NOW).await.unwrap().is_some());
    let recover = NewEntry {
        password: Some(vec![8; 192]),
        ..adds(1, 1)
    };
    stage.append_entry(&recover).await.unwrap();
    let found = stage.find_account(account(1)).await.unwrap().unwrap();
    assert_eq!((found.opaque_record, found.password), (vec![8; 192], 1));
    assert!(stage.find_pending_token(hash(1), NOW).await.unwrap().is_none());
    // A repeat does not count as one more.
    stage.append_entry(&recover).await.unwrap();
    assert_eq!(stage.find_account(account(1)).await.unwrap().unwrap().password, 1);
}

async fn a_login_of_a_device_that_is_being_revoked_is_refused_or_ended(stage: Stage) {
    let [_mia] = people_join(&stage, [1]).await;
    for round in 0..10_u8 {
        let sequence = 1 + 2 * u32::from(round);
        stage.append_entry(&adds(1, sequence)).await.unwrap();
        let added = device(1, sequence);
        let revoke = NewEntry {
            revokes: vec![DeviceId(sequence)],
            ..entry(1, sequence + 1)
        };
        let made = login(round + 1, added);
        let (revoked, made) = join(
            stage.append_entry(&revoke),
            stage.insert_login(&made, hash(u64::from(round))),
        )
        .await;
        let EntryStored::Done(ended) = revoked.unwrap() else {
            panic!("not stored")
        };
        assert_eq!(ended.len(), usize::from(made.unwrap().is_some()));
        assert_eq!(stage.find_login([round + 1; 16]).await.unwrap(), None);
    }
}

async fn messages_during_an_addition_never_miss_the_new_device_behind_it(stage: Stage) {
    let [mia, ben] = people_join(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, ben).await;
    for round in 1..=8_u32 {
        let known: Vec<DeviceAddress> = (0..round).map(mias).collect();
        let node = stage.second_node().await;
        let addition = adds(1, round);
        let sends = join_all((0..6).map(|number| {
            let stage = stage.clone();
            let known = known.clone();
            async move {
                let send = append(direct, ben, &known, u64::from(round) * 100 + number);
                stage.append(vec![send], NOW).await.unwrap()
            }
        }));
        let (added, _) = join(node.append_entry(&addition), sends).await;
        assert_eq!(added.unwrap(), done());
        node.close().await;
        let after = stage
            .append(
                vec![append(direct, ben, &known, u64::from(round) * 100 + 50)],
                NOW,
            )
            .await
            .unwrap();
        assert_eq!(after, [Appended::StaleDevices]);
        // Whatever was accepted for the old list stands before what is accepted for the new one.
        let mut all = known;
        all.push(device(1, round));
        let next = stage
            .append(vec![append(direct, ben, &all, u64::from(round) * 100 + 51)], NOW)
            .await
            .unwrap();
        let Appended::Envelope { sequence, .. } = next[0] else {
            panic!("{next:?}")
        };
        let page = stage.list_envelopes(direct.id, 0, 10_000).await.unwrap();
        assert_eq!(page.head, sequence);
        let mail = stage
            .list_mailbox(device(1, round), 0, 100, 1_000_000)
            .await
            .unwrap();
        assert_eq!(mail.len(), 1, "nothing from before, everything from after");
    }
}

fn mias(number: u32) -> DeviceAddress {
    device(1, number)
}

async fn a_room_that_is_opened_during_an_addition_never_misses_the_new_device(stage: Stage) {
    let [mia] = people_join(&stage, [1]).await;
    for round in 1..=8_u32 {
        let number = 10 + u8::try_from(round).unwrap();
        let invite = hash(7_000 + u64::from(round));
        stage
            .insert_invite(invite, account(1), NOW.plus(1000), NOW)
            .await
            .unwrap();
        stage
            .insert_account(&registration(number, conclave_db::Door::Invite(invite)))
            .await
            .unwrap();
        let peer = device(number, 0);
        let direct = room(mia, peer);
        let known: Vec<DeviceAddress> = (0..round).map(mias).collect();
        let node = stage.second_node().await;
        let addition = adds(1, round);
        let opening = async {
            stage.insert_direct_room(&direct, NOW).await.unwrap();
            stage
                .append(vec![append(direct, peer, &known, 1)], NOW)
                .await
                .unwrap()
        };
        let (added, sent) = join(node.append_entry(&addition), opening).await;
        assert_eq!(added.unwrap(), done());
        node.close().await;
        assert!(
            matches!(sent[0], Appended::Envelope { .. } | Appended::StaleDevices),
            "{sent:?}"
        );
        let late = stage
            .append(vec![append(direct, peer, &known, 2)], NOW)
            .await
            .unwrap();
        assert_eq!(late, [Appended::StaleDevices]);
    }
}

async fn peers_are_the_others_with_whom_an_account_shares_a_room(stage: Stage) {
    let [mia, ben, zoe] = people_join(&stage, [1, 2, 3]).await;
    assert!(stage.list_peers(account(1)).await.unwrap().is_empty());
    open_room(&stage, mia, mia).await;
    open_room(&stage, zoe, mia).await;
    open_room(&stage, mia, ben).await;
    assert_eq!(
        stage.list_peers(account(1)).await.unwrap(),
        [account(2), account(3)]
    );
    assert_eq!(stage.list_peers(account(2)).await.unwrap(), [account(1)]);
    // Pairwise messages reach the revoked no longer, and need no room.
    let control = Append::Distribution(NewDistribution {
        id: id(ben, 1),
        sender: ben,
        messages: vec![(device(3, 0), vec![1])],
        receipts: false,
        digest: hash(1),
    });
    let revoke = NewEntry {
        revokes: vec![DeviceId(0)],
        ..adds(3, 1)
    };
    stage.append_entry(&revoke).await.unwrap();
    assert_eq!(
        stage.append(vec![control], NOW).await.unwrap(),
        [Appended::StaleDevices]
    );
}
