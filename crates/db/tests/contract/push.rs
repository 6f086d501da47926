//! Where devices are woken, and the queue of those that have to be.

use std::sync::Arc;

use conclave_db::{
    Append, Db, Login, NewEnvelope, NewPost, NewWake, PushMove, PushSubscription, PushWake, PushWriter,
};
use conclave_protocol::frames::Class;
use conclave_protocol::presence::{Availability, Choices};
use conclave_protocol::push::PushLevel;
use conclave_protocol::{DeviceAddress, RoomId, Timestamp};
use futures_util::future::join_all;

use crate::group::{ROOM, group, post};
use crate::support::Stage;
use crate::support::people::{NOW, account, hash, join, message, open_room, room};

on_both_engines! {
    a_device_is_woken_at_one_address_and_an_address_wakes_one_device
    a_message_notes_its_room_once_whatever_came_and_only_where_somebody_can_be_woken
    what_is_no_message_and_what_one_saves_for_oneself_wakes_nobody
    a_move_is_taken_once_and_what_was_stored_meanwhile_stays
    a_move_names_who_wrote_and_whom_it_concerns
    who_does_not_want_to_be_disturbed_and_quiet_rooms_are_told_apart
    many_messages_make_one_wake_of_a_device
    a_wake_is_somebodys_for_a_while_and_goes_only_as_far_as_it_was_told
    what_a_device_acknowledged_and_what_its_login_was_is_seen_at_the_wake
    a_subscription_ends_with_its_login_and_with_its_address
    wakes_that_wait_too_long_go
    two_processes_make_one_wake_of_one_move
}

const LOGIN: [u8; 16] = [1; 16];

fn subscription(device: DeviceAddress, address: &str) -> PushSubscription {
    PushSubscription {
        device,
        login: LOGIN,
        endpoint: address.to_owned(),
        key: [4; 65],
        secret: [5; 16],
        levels: Vec::new(),
    }
}

async fn send(db: &Db, envelope: NewEnvelope) {
    db.append(vec![Append::Envelope(envelope)], NOW).await.unwrap();
}

/// Signs a device in and has it woken.
async fn woken(db: &Db, device: DeviceAddress, login: u8) {
    let signed_in = Login {
        id: [login; 16],
        address: device,
        created_at: NOW,
        refreshed_at: NOW,
    };
    assert!(
        db.insert_login(&signed_in, hash(u64::from(login)))
            .await
            .unwrap()
            .is_some()
    );
    let subscription = PushSubscription {
        login: [login; 16],
        ..subscription(device, &format!("https://push.example/{login}"))
    };
    db.put_push(&subscription, NOW).await.unwrap();
}

async fn moves(db: &Db) -> Vec<PushMove> {
    db.list_push_moves(NOW.plus(10_000), 10).await.unwrap()
}

async fn wakes(db: &Db, now: Timestamp) -> Vec<PushWake> {
    db.list_push_wakes(now, 10).await.unwrap()
}

fn wake(device: DeviceAddress, room: RoomId) -> NewWake {
    NewWake {
        device,
        room,
        softly: false,
        mailbox: Some(1),
    }
}

/// Notes a move of a room as a message would, and makes these wakes of it.
async fn make(db: &Db, sender: DeviceAddress, number: u64, made: &[NewWake], now: Timestamp) {
    let posted = vec![Append::Post(Arc::new(post(sender, number)))];
    db.append(posted, now).await.unwrap();
    let moved = db.list_push_moves(now.plus(10_000), 1).await.unwrap().remove(0);
    assert!(db.take_push_move(moved, made, now).await.unwrap());
}

async fn a_device_is_woken_at_one_address_and_an_address_wakes_one_device(stage: Stage) {
    let [mia, noah] = join(&stage, [1, 2]).await;
    assert_eq!(stage.find_push(mia).await.unwrap(), None);
    stage
        .put_push(&subscription(mia, "https://a.example/1"), NOW)
        .await
        .unwrap();
    assert_eq!(stage.find_push(mia).await.unwrap(), Some(LOGIN));
    let again = PushSubscription {
        login: [2; 16],
        ..subscription(mia, "https://a.example/2")
    };
    stage.put_push(&again, NOW).await.unwrap();
    assert_eq!(stage.find_push(mia).await.unwrap(), Some([2; 16]));
    assert_eq!(stage.count_push().await.unwrap(), (1, 0));
    // The same browser under another name.
    stage
        .put_push(&subscription(noah, "https://a.example/2"), NOW)
        .await
        .unwrap();
    assert_eq!(stage.find_push(mia).await.unwrap(), None);
    assert_eq!(stage.find_push(noah).await.unwrap(), Some(LOGIN));
    stage.delete_push(noah).await.unwrap();
    assert_eq!(stage.count_push().await.unwrap(), (0, 0));
}

async fn a_message_notes_its_room_once_whatever_came_and_only_where_somebody_can_be_woken(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    let direct = open_room(&stage, mia, noah).await;
    send(&stage, message(direct, mia, &[noah], 1)).await;
    assert_eq!(moves(&stage).await, []);

    woken(&stage, noah, 1).await;
    let posted = |number| Append::Post(Arc::new(post(mia, number)));
    let batch = vec![
        Append::Envelope(message(direct, mia, &[noah], 2)),
        posted(3),
        Append::Envelope(message(direct, mia, &[noah], 4)),
    ];
    stage.append(batch, NOW).await.unwrap();
    send(&stage, message(direct, mia, &[noah], 5)).await;
    let mut expected = vec![
        PushMove {
            room: direct.id,
            since: 2,
            up_to: 4,
        },
        PushMove {
            room: ROOM,
            since: 1,
            up_to: 1,
        },
    ];
    let mut found = moves(&stage).await;
    expected.sort_by_key(|moved| moved.room);
    found.sort_by_key(|moved| moved.room);
    assert_eq!(found, expected);
    // A burst is waited for.
    assert_eq!(stage.list_push_moves(NOW.plus(1_999), 10).await.unwrap(), []);
    assert_eq!(stage.next_push().await.unwrap(), Some(NOW.plus(2_000)));
}

async fn what_is_no_message_and_what_one_saves_for_oneself_wakes_nobody(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    woken(&stage, noah, 1).await;
    let direct = open_room(&stage, mia, noah).await;
    let saved = open_room(&stage, mia, mia).await;
    let mut reaction = message(direct, mia, &[noah], 1);
    reaction.class = Class::Annotation;
    send(&stage, reaction).await;
    send(&stage, message(saved, mia, &[], 2)).await;
    let note = NewPost {
        class: Class::Annotation,
        ..post(mia, 3)
    };
    stage
        .append(vec![Append::Post(Arc::new(note))], NOW)
        .await
        .unwrap();
    assert_eq!(moves(&stage).await, []);
}

async fn a_move_is_taken_once_and_what_was_stored_meanwhile_stays(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    woken(&stage, noah, 1).await;
    let posted = |number| vec![Append::Post(Arc::new(post(mia, number)))];
    stage.append(posted(1), NOW).await.unwrap();
    let seen = moves(&stage).await.remove(0);
    stage.append(posted(2), NOW).await.unwrap();
    assert!(
        stage
            .take_push_move(seen, &[wake(noah, ROOM)], NOW)
            .await
            .unwrap()
    );
    let rest = PushMove {
        room: ROOM,
        since: 2,
        up_to: 2,
    };
    assert_eq!(moves(&stage).await, [rest]);
    assert!(
        !stage
            .take_push_move(seen, &[wake(noah, ROOM)], NOW)
            .await
            .unwrap()
    );
    assert!(stage.take_push_move(rest, &[], NOW).await.unwrap());
    assert_eq!(moves(&stage).await, []);
    let [found] = wakes(&stage, NOW).await.try_into().unwrap();
    assert_eq!((found.device, found.room, found.revision), (noah, Some(ROOM), 1));
}

async fn a_move_names_who_wrote_and_whom_it_concerns(stage: Stage) {
    let [mia, noah, _] = group(&stage, [1, 2, 3]).await;
    woken(&stage, mia, 1).await;
    woken(&stage, noah, 2).await;
    let direct = open_room(&stage, mia, noah).await;
    send(&stage, message(direct, mia, &[noah], 1)).await;
    let moved = PushMove {
        room: direct.id,
        since: 1,
        up_to: 1,
    };
    let writers = stage.list_push_writers(moved, NOW).await.unwrap();
    assert_eq!(
        writers,
        [PushWriter {
            account: account(1),
            head: 0
        }]
    );
    let targets = stage.list_push_targets(moved, NOW).await.unwrap();
    let told: Vec<_> = targets
        .iter()
        .map(|target| (target.device, target.mailbox))
        .collect();
    assert_eq!(told, [(mia, None), (noah, Some(1))]);
    // Behind the acknowledgement there is nothing to be woken for.
    stage.acknowledge_all(&[(noah, 1)]).await.unwrap();
    let targets = stage.list_push_targets(moved, NOW).await.unwrap();
    assert!(targets.iter().all(|target| target.mailbox.is_none()));

    let sent = NewPost {
        head: 7,
        expires_in: Some(1_000),
        ..post(noah, 9)
    };
    stage
        .append(vec![Append::Post(Arc::new(sent))], NOW)
        .await
        .unwrap();
    let moved = PushMove {
        room: ROOM,
        since: 1,
        up_to: 1,
    };
    let writers = stage.list_push_writers(moved, NOW).await.unwrap();
    assert_eq!(
        writers,
        [PushWriter {
            account: account(2),
            head: 7
        }]
    );
    // What has disappeared wakes nobody.
    assert_eq!(stage.list_push_writers(moved, NOW.plus(1_000)).await.unwrap(), []);
    let targets = stage.list_push_targets_of_place(ROOM, NOW).await.unwrap();
    let told: Vec<_> = targets.iter().map(|target| target.device).collect();
    assert_eq!(told, [mia, noah]);
}

async fn who_does_not_want_to_be_disturbed_and_quiet_rooms_are_told_apart(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    woken(&stage, mia, 1).await;
    let levels = vec![
        (ROOM, PushLevel::Never, Some(NOW.plus(1_000))),
        (room(mia, noah).id, PushLevel::Softly, None),
    ];
    let quiet = PushSubscription {
        levels,
        ..subscription(noah, "https://push.example/2")
    };
    stage.put_push(&quiet, NOW).await.unwrap();
    let direct = open_room(&stage, mia, noah).await;
    let moved = PushMove {
        room: direct.id,
        since: 1,
        up_to: 1,
    };
    let level = |targets: Vec<conclave_db::PushTarget>| {
        let found = targets.into_iter().find(|target| target.device == noah);
        found.map(|target| target.level)
    };
    let of_group = stage.list_push_targets_of_place(ROOM, NOW).await.unwrap();
    assert_eq!(level(of_group), Some(Some(PushLevel::Never)));
    let later = stage
        .list_push_targets_of_place(ROOM, NOW.plus(1_000))
        .await
        .unwrap();
    assert_eq!(level(later), Some(None));
    let of_direct = stage.list_push_targets(moved, NOW).await.unwrap();
    assert_eq!(level(of_direct), Some(Some(PushLevel::Softly)));
    // Said anew, they are others.
    let loud = subscription(noah, "https://push.example/2");
    stage.put_push(&loud, NOW).await.unwrap();
    let of_direct = stage.list_push_targets(moved, NOW).await.unwrap();
    assert_eq!(level(of_direct), Some(None));

    let quiet = Choices {
        availability: Availability::DoNotDisturb,
        ..Choices::default()
    };
    stage.put_choices(account(2), quiet).await.unwrap();
    assert_eq!(level(stage.list_push_targets(moved, NOW).await.unwrap()), None);
    assert_eq!(
        level(stage.list_push_targets_of_place(ROOM, NOW).await.unwrap()),
        None
    );
}

async fn many_messages_make_one_wake_of_a_device(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    woken(&stage, noah, 1).await;
    let softly = NewWake {
        softly: true,
        mailbox: None,
        ..wake(noah, ROOM)
    };
    make(&stage, mia, 1, &[softly], NOW).await;
    let [first] = wakes(&stage, NOW).await.try_into().unwrap();
    assert!(first.softly && first.posts && !first.mail);
    make(
        &stage,
        mia,
        2,
        &[NewWake {
            mailbox: Some(9),
            ..wake(noah, ROOM)
        }],
        NOW.plus(5),
    )
    .await;
    make(
        &stage,
        mia,
        3,
        &[NewWake {
            mailbox: Some(3),
            ..wake(noah, ROOM)
        }],
        NOW.plus(6),
    )
    .await;
    let [found] = wakes(&stage, NOW.plus(6)).await.try_into().unwrap();
    assert_eq!(
        (found.made_at, found.moved_at, found.due_at),
        (NOW, NOW.plus(6), NOW)
    );
    assert_eq!((found.room, found.revision), (Some(ROOM), 3));
    assert!(!found.softly && found.posts && found.mail);
    make(&stage, mia, 4, &[wake(noah, RoomId([8; 32]))], NOW.plus(7)).await;
    let [found] = wakes(&stage, NOW.plus(7)).await.try_into().unwrap();
    assert_eq!(found.room, None, "there is not one room any more");
    assert_eq!(stage.count_push().await.unwrap(), (1, 1));
    // Nobody can be woken who did not ask for it.
    make(&stage, noah, 5, &[wake(mia, ROOM)], NOW.plus(8)).await;
    assert_eq!(stage.count_push().await.unwrap(), (1, 1));
}

async fn a_wake_is_somebodys_for_a_while_and_goes_only_as_far_as_it_was_told(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    woken(&stage, noah, 1).await;
    make(&stage, mia, 1, &[wake(noah, ROOM)], NOW).await;
    let [seen] = wakes(&stage, NOW).await.try_into().unwrap();
    assert!(stage.claim_push_wake(&seen, NOW.plus(60_000)).await.unwrap());
    assert!(!stage.claim_push_wake(&seen, NOW.plus(60_000)).await.unwrap());
    assert_eq!(wakes(&stage, NOW.plus(59_999)).await, []);
    // Whoever had it came to nothing: another takes it.
    let [left] = wakes(&stage, NOW.plus(60_000)).await.try_into().unwrap();
    assert_eq!(left.attempts, 1);

    make(&stage, mia, 2, &[wake(noah, ROOM)], NOW.plus(1)).await;
    stage.end_push_wake(&seen, NOW.plus(10_000)).await.unwrap();
    assert_eq!(wakes(&stage, NOW.plus(9_999)).await, []);
    let [rest] = wakes(&stage, NOW.plus(10_000)).await.try_into().unwrap();
    assert_eq!((rest.revision, rest.attempts, rest.made_at), (2, 0, NOW.plus(1)));
    stage.end_push_wake(&rest, NOW.plus(20_000)).await.unwrap();
    assert_eq!(stage.count_push().await.unwrap(), (1, 0));
    // The next one waits until the pause is over.
    make(&stage, mia, 3, &[wake(noah, ROOM)], NOW.plus(10_001)).await;
    assert_eq!(wakes(&stage, NOW.plus(19_999)).await, []);
    let [next] = wakes(&stage, NOW.plus(20_000)).await.try_into().unwrap();
    stage.postpone_push_wake(noah, NOW.plus(30_000), 5).await.unwrap();
    assert_eq!(wakes(&stage, NOW.plus(29_999)).await, []);
    let [again] = wakes(&stage, NOW.plus(30_000)).await.try_into().unwrap();
    assert_eq!((again.attempts, again.revision), (5, next.revision));
}

async fn what_a_device_acknowledged_and_what_its_login_was_is_seen_at_the_wake(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    woken(&stage, noah, 1).await;
    let direct = open_room(&stage, mia, noah).await;
    send(&stage, message(direct, mia, &[noah], 1)).await;
    let moved = moves(&stage).await.remove(0);
    stage
        .take_push_move(moved, &[wake(noah, direct.id)], NOW)
        .await
        .unwrap();
    let found = wakes(&stage, NOW).await.remove(0);
    assert!(found.mail && !found.posts && found.signed_in);
    assert_eq!(
        (found.endpoint.as_str(), found.key, found.secret),
        ("https://push.example/1", [4; 65], [5; 16])
    );
    stage.acknowledge_all(&[(noah, 1)]).await.unwrap();
    assert!(!wakes(&stage, NOW).await.remove(0).mail);
    stage.revoke_login([1; 16], NOW).await.unwrap();
    assert!(!wakes(&stage, NOW).await.remove(0).signed_in);
}

async fn a_subscription_ends_with_its_login_and_with_its_address(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    woken(&stage, mia, 1).await;
    woken(&stage, noah, 2).await;
    make(&stage, mia, 1, &[wake(noah, ROOM)], NOW).await;
    assert_eq!(stage.expire_push(Timestamp(0)).await.unwrap(), 0);
    stage
        .delete_gone_push(noah, "https://push.example/other")
        .await
        .unwrap();
    assert_eq!(stage.count_push().await.unwrap(), (2, 1));
    stage
        .delete_gone_push(noah, "https://push.example/2")
        .await
        .unwrap();
    assert_eq!(stage.count_push().await.unwrap(), (1, 0));
    stage.revoke_login([1; 16], NOW).await.unwrap();
    assert_eq!(stage.expire_push(Timestamp(0)).await.unwrap(), 1);
    assert_eq!(stage.count_push().await.unwrap(), (0, 0));
}

async fn wakes_that_wait_too_long_go(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    woken(&stage, noah, 1).await;
    make(&stage, mia, 1, &[wake(noah, ROOM)], NOW).await;
    stage
        .append(vec![Append::Post(Arc::new(post(mia, 2)))], NOW)
        .await
        .unwrap();
    assert_eq!(stage.expire_push(NOW).await.unwrap(), 0);
    assert_eq!(stage.expire_push(NOW.plus(2_001)).await.unwrap(), 2);
    assert_eq!(moves(&stage).await, []);
    assert_eq!(stage.count_push().await.unwrap(), (1, 0));
}

async fn two_processes_make_one_wake_of_one_move(stage: Stage) {
    let [mia, noah] = group(&stage, [1, 2]).await;
    woken(&stage, noah, 1).await;
    for number in 0..10 {
        let now = NOW.plus(number * 100_000);
        stage
            .append(vec![Append::Post(Arc::new(post(mia, number)))], now)
            .await
            .unwrap();
        let seen = stage
            .list_push_moves(now.plus(10_000), 1)
            .await
            .unwrap()
            .remove(0);
        let made = [wake(noah, ROOM)];
        let taken = join_all((0..4).map(|_| stage.take_push_move(seen, &made, now))).await;
        assert_eq!(
            taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(),
            1
        );
        let [seen] = wakes(&stage, now).await.try_into().unwrap();
        assert_eq!(seen.revision, 1);
        let claimed = join_all((0..4).map(|_| stage.claim_push_wake(&seen, now.plus(60_000)))).await;
        assert_eq!(
            claimed
                .into_iter()
                .filter(|claimed| *claimed.as_ref().unwrap())
                .count(),
            1
        );
        stage.end_push_wake(&seen, now).await.unwrap();
    }
}
