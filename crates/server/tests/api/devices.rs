//! Chains that grow, devices that come and go, and who is told.

use conclave_protocol::accounts::EntriesPage;
use conclave_protocol::bytes::to_base64;
use conclave_protocol::devices::{AppendEntry, DevicesFound, EntryAppended};
use conclave_protocol::frames::{ChainMoved, ClientFrame, ServerFrame};
use conclave_protocol::limits::{DEVICES_MAX, ENTRY_CLOCK_SKEW_MS, FIRST_LOGIN_WITHIN_MS};
use conclave_protocol::logins::{HeldLogin, LoggedIn, LoginPending, PendingLogin, Refresh};
use conclave_protocol::{AccountId, Bytes, DeviceAddress, DeviceId, ErrorCode, Token};
use conclave_sigchain::{AccountBody, AccountEntry, Author, Vault, recovery_possession_bytes};
use ed25519_dalek::{Signer, SigningKey};
use futures_util::future::join_all;

use crate::harness::{FreshDevice, Person, Server, Socket, hello, offer, random, ticket};

fn vault(records: u64) -> AccountBody {
    AccountBody::Vault(Vault {
        generation: 1,
        slots: Vec::new(),
        records,
        head: conclave_protocol::Hash(if records == 0 { [0; 32] } else { [7; 32] }),
    })
}

fn revoke(device: u32) -> AccountBody {
    AccountBody::RevokeDevice {
        device: DeviceId(device),
    }
}

async fn devices(server: &Server, access: &Token) -> DevicesFound {
    server.get("/api/v1/devices", Some(access)).await.json()
}

async fn refreshed(server: &Server, refresh: &Token) -> crate::harness::Answer {
    let body = Refresh {
        refresh_token: Some(refresh.clone()),
        attempt: Token::from_random(random()),
    };
    server.post("/api/v1/logins/refresh", None, &body).await
}

/// The next news of a chain.
async fn chain_news(socket: &mut Socket) -> ChainMoved {
    match socket.hear_news().await {
        ServerFrame::ChainMoved(moved) => moved,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_added_device_signs_in_once_without_the_password_and_is_listed() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let phone = mia.device_added(&server).await;
    let found = devices(&server, &phone.access).await.devices;
    let ids: Vec<u32> = found.iter().map(|device| device.device.0).collect();
    assert_eq!(ids, [0, 1]);
    assert!(found.iter().all(|device| device.signed_in && !device.connected));
    assert!(found[1].seen_at.is_some_and(|seen| seen >= found[1].added_at));

    let (_socket, welcome) = Socket::open_with(&server, &phone.access).await;
    assert_eq!(welcome.head, Some(1));
    let found = devices(&server, &mia.access).await.devices;
    assert!(!found[0].connected && found[1].connected);
    let refreshed: LoggedIn = refreshed(&server, &phone.refresh).await.json();
    assert_eq!(refreshed.device, DeviceId(1));
}

#[tokio::test]
async fn a_first_sign_in_works_once_soon_and_for_the_right_device_alone() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (one, two) = (FreshDevice::new(), FreshDevice::new());
    for fresh in [&one, &two] {
        let entry = mia.entry(&server, fresh.added_to(mia.account)).await;
        assert!(mia.offer(&server, &entry).await.status.is_success());
    }
    let address = |device| DeviceAddress {
        account: mia.account,
        device: DeviceId(device),
    };
    let refused = [
        one.first_login(&server, address(2)).await,
        one.first_login(&server, address(0)).await,
        one.first_login(&server, address(7)).await,
        one.first_login(
            &server,
            DeviceAddress {
                account: AccountId([9; 32]),
                device: DeviceId(1),
            },
        )
        .await,
    ];
    for answer in refused {
        assert_eq!(answer.code(), ErrorCode::WrongCredentials);
    }
    assert!(one.first_login(&server, address(1)).await.status.is_success());
    assert_eq!(
        one.first_login(&server, address(1)).await.code(),
        ErrorCode::WrongCredentials
    );
    server
        .clock
        .shift(i64::try_from(FIRST_LOGIN_WITHIN_MS).unwrap() + 1000);
    assert_eq!(
        two.first_login(&server, address(2)).await.code(),
        ErrorCode::WrongCredentials
    );
}

#[tokio::test]
async fn an_entry_may_be_repeated_and_one_that_is_not_the_next_is_told_so() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let entry = mia.entry(&server, vault(0)).await;
    let rival = mia.entry(&server, vault(5)).await;
    for _ in 0..2 {
        let appended: EntryAppended = mia.offer(&server, &entry).await.json();
        assert_eq!(appended.sequence, 1);
    }
    assert_eq!(mia.offer(&server, &rival).await.code(), ErrorCode::ChainMoved);
    let next = mia.entry(&server, vault(5)).await;
    assert!(mia.offer(&server, &next).await.status.is_success());
    // A repeat is answered also when its time has become old.
    server
        .clock
        .shift(i64::try_from(ENTRY_CLOCK_SKEW_MS).unwrap() + 60_000);
    assert!(mia.offer(&server, &entry).await.status.is_success());
    assert_eq!(mia.chain(&server).await.head(), 2);
}

#[tokio::test]
async fn an_entry_that_breaks_a_rule_is_refused_and_leaves_nothing_behind() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let phone = mia.device_added(&server).await;
    let chain = mia.chain(&server).await;
    let now = server.clock.now();
    let by = |author, body, key: &SigningKey| {
        chain
            .next_entry(author, now, body)
            .signed_with(|bytes| key.sign(bytes).to_bytes())
    };
    let first = Author::Device(DeviceId(0));
    let second = Author::Device(DeviceId(1));
    let mut early = chain.next_entry(first, now, vault(0));
    early.time = conclave_protocol::Timestamp(now.0 + ENTRY_CLOCK_SKEW_MS + 60_000);
    let early = early.signed_with(|bytes| mia.key.sign(bytes).to_bytes());
    let refused = [
        (early, "a time far off"),
        (by(first, revoke(9), &mia.key), "a device that is none"),
        (by(first, vault(0), &phone.key), "another's signature"),
        (by(second, vault(0), &phone.key), "another device's words"),
        (
            by(first, FreshDevice::new().added_to(ben.account), &mia.key),
            "no possession",
        ),
    ];
    for (entry, what) in refused {
        assert_eq!(
            mia.offer(&server, &entry).await.code(),
            ErrorCode::ChainRefused,
            "{what}"
        );
    }
    let others = ben.entry(&server, vault(0)).await;
    assert_eq!(mia.offer(&server, &others).await.code(), ErrorCode::ChainRefused);
    let junk = AppendEntry {
        entry: Bytes(b"junk".to_vec()),
    };
    let answer = server
        .post("/api/v1/account/entries", Some(&mia.access), &junk)
        .await;
    assert_eq!(answer.code(), ErrorCode::ChainRefused);
    assert_eq!(mia.chain(&server).await.head(), 1);
}

#[tokio::test]
async fn a_seventeenth_device_is_refused() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    for number in 1..=DEVICES_MAX {
        let entry = mia.entry(&server, FreshDevice::new().added_to(mia.account)).await;
        let answer = mia.offer(&server, &entry).await;
        if number < DEVICES_MAX {
            assert!(answer.status.is_success());
        } else {
            assert_eq!(answer.code(), ErrorCode::DevicesFull);
        }
    }
}

#[tokio::test]
async fn of_two_devices_that_append_at_once_one_is_told_that_the_chain_moved() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let phone = mia.device_added(&server).await;
    let chain = mia.chain(&server).await;
    let now = server.clock.now();
    let one = chain
        .next_entry(Author::Device(DeviceId(0)), now, vault(0))
        .signed_with(|bytes| mia.key.sign(bytes).to_bytes());
    let other = chain
        .next_entry(Author::Device(DeviceId(1)), now, vault(0))
        .signed_with(|bytes| phone.key.sign(bytes).to_bytes());
    let answers = join_all([
        offer(&server, &mia.access, &one),
        offer(&server, &phone.access, &other),
    ])
    .await;
    let stored = answers.iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(stored, 1);
    let refused = answers.iter().find(|answer| !answer.status.is_success()).unwrap();
    assert_eq!(refused.code(), ErrorCode::ChainMoved);
}

#[tokio::test]
async fn a_chain_that_grows_is_told_to_the_own_devices_and_to_whom_a_room_is_shared() {
    let server = Server::start().await;
    let (mia, ben, _) = server.pair().await;
    let zoe = server.person("zoe", &mia).await;
    let phone = mia.device_added(&server).await;
    let (mut own, _) = Socket::open_with(&server, &phone.access).await;
    let (mut bens, _) = Socket::open(&server, &ben).await;
    let (mut zoes, _) = Socket::open(&server, &zoe).await;
    zoes.drain().await;

    let entry = mia.entry(&server, FreshDevice::new().added_to(mia.account)).await;
    mia.offer(&server, &entry).await.json::<EntryAppended>();
    let expected = ChainMoved {
        account: mia.account,
        head: 2,
        entry: Bytes(entry.to_bytes()),
    };
    assert_eq!(chain_news(&mut own).await, expected);
    assert_eq!(chain_news(&mut bens).await, expected);
    assert!(zoes.is_quiet().await, "they share no room");
}

#[tokio::test]
async fn a_revoked_device_sees_the_proof_before_its_connection_ends_and_gets_nothing_more() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let phone = mia.device_added(&server).await;
    let (mut phones, _) = Socket::open_with(&server, &phone.access).await;
    phones.drain().await;
    let (mut own, _) = Socket::open(&server, &mia).await;
    let (mut bens, _) = Socket::open(&server, &ben).await;
    let waiting = ticket(&server, &phone.access).await;

    let entry = mia.entry(&server, revoke(1)).await;
    mia.offer(&server, &entry).await.json::<EntryAppended>();
    let proof = ChainMoved {
        account: mia.account,
        head: 2,
        entry: Bytes(entry.to_bytes()),
    };
    assert_eq!(phones.hear().await, ServerFrame::ChainMoved(proof.clone()));
    let (closing, _) = phones.end().await;
    assert_eq!(
        closing.map(|closing| closing.code),
        Some(ErrorCode::DeviceRevoked)
    );
    assert_eq!(chain_news(&mut own).await, proof);
    assert_eq!(chain_news(&mut bens).await, proof);

    // Access, ticket and refresh are refused, each with the reason.
    let path = format!("/api/v1/accounts/{}/entries", mia.account);
    for answer in [
        server.get("/api/v1/devices", Some(&phone.access)).await,
        server.get(&path, Some(&phone.access)).await,
        server.post("/api/v1/ws/ticket", Some(&phone.access), &()).await,
        refreshed(&server, &phone.refresh).await,
    ] {
        assert_eq!(answer.code(), ErrorCode::DeviceRevoked);
    }
    let mut late = Socket::silent(&server).await;
    late.say(&hello(waiting)).await;
    let (closing, _) = late.end().await;
    assert_eq!(
        closing.map(|closing| closing.code),
        Some(ErrorCode::TicketInvalid)
    );

    // What is sealed for it is refused; what leaves it out is accepted.
    let stale = {
        let mut message = ben.message(&mia, room, b"for two");
        let mut key = message.keys[0].clone();
        key.device = DeviceId(1);
        message.keys.push(key);
        message
    };
    let stale_id = stale.id;
    bens.say(&ClientFrame::Send(stale)).await;
    match bens.hear_news().await {
        ServerFrame::Refused(refused) => {
            assert_eq!((refused.id, refused.code), (stale_id, ErrorCode::StaleDevices));
        }
        other => panic!("{other:?}"),
    }

    // The right password and its own key do not bring it back, and it hears why, also after a restart.
    let server = server.restart().await;
    assert_eq!(
        server.get("/api/v1/devices", Some(&phone.access)).await.code(),
        ErrorCode::DeviceRevoked
    );
    assert_eq!(
        refreshed(&server, &phone.refresh).await.code(),
        ErrorCode::DeviceRevoked
    );
    let again = Person {
        key: phone.key,
        ..mia
    };
    assert_eq!(
        again.sign_in(&server, true, DeviceId(1)).await.code(),
        ErrorCode::DeviceRevoked
    );
}

#[tokio::test]
async fn messages_have_to_name_a_new_device_as_soon_as_it_is_there() {
    let server = Server::start().await;
    let (mia, ben, room) = server.pair().await;
    let (mut bens, _) = Socket::open(&server, &ben).await;
    bens.drain().await;
    bens.say(&ClientFrame::Send(ben.message(&mia, room, b"one")))
        .await;
    assert!(matches!(bens.hear_news().await, ServerFrame::Accepted(_)));

    let phone = mia.device_added(&server).await;
    assert_eq!(chain_news(&mut bens).await.head, 1);
    bens.say(&ClientFrame::Send(ben.message(&mia, room, b"two")))
        .await;
    assert!(matches!(
        bens.hear_news().await,
        ServerFrame::Refused(refused) if refused.code == ErrorCode::StaleDevices
    ));
    bens.say(&ClientFrame::Restart(conclave_protocol::frames::Restart { room }))
        .await;
    let mut message = ben.message(&mia, room, b"three");
    let mut key = message.keys[0].clone();
    key.device = DeviceId(1);
    message.keys.push(key);
    if mia.account < ben.account {
        message.heads.low = 1;
    } else {
        message.heads.high = 1;
    }
    bens.say(&ClientFrame::Send(message)).await;
    assert!(matches!(bens.hear_news().await, ServerFrame::Accepted(_)));
    let (mut phones, _) = Socket::open_with(&server, &phone.access).await;
    let delivered = phones.drain().await;
    assert_eq!(delivered.len(), 1, "what was sent before it came is not for it");
}

#[tokio::test]
async fn the_recovery_key_may_replace_itself_and_revoke_every_device() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (mut own, _) = Socket::open(&server, &mia).await;
    own.drain().await;
    let new = SigningKey::from_bytes(&random());
    let recovery = new.verifying_key().to_bytes();
    let chain = mia.chain(&server).await;
    let body = AccountBody::RotateRecovery {
        recovery,
        possession: new
            .sign(&recovery_possession_bytes(mia.account, &recovery))
            .to_bytes(),
        revoke_all: true,
    };
    let entry = chain
        .next_entry(Author::Recovery, server.clock.now(), body)
        .signed_with(|bytes| mia.recovery.sign(bytes).to_bytes());
    // A signed-in device may carry it.
    assert!(mia.offer(&server, &entry).await.status.is_success());
    assert!(matches!(own.hear().await, ServerFrame::ChainMoved(moved) if moved.head == 1));
    let (closing, _) = own.end().await;
    assert_eq!(
        closing.map(|closing| closing.code),
        Some(ErrorCode::DeviceRevoked)
    );
    assert_eq!(mia.offer(&server, &entry).await.code(), ErrorCode::DeviceRevoked);
}

#[tokio::test]
async fn a_closed_account_signs_nobody_in_and_says_so() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let (mut bens, _) = Socket::open(&server, &ben).await;
    bens.drain().await;
    let pending = ben.pending(&server).await;
    let entry = ben.entry(&server, AccountBody::Close {}).await;
    assert!(ben.offer(&server, &entry).await.status.is_success());
    assert!(matches!(bens.hear().await, ServerFrame::ChainMoved(moved) if moved.head == 1));
    let (closing, _) = bens.end().await;
    assert_eq!(
        closing.map(|closing| closing.code),
        Some(ErrorCode::AccountClosed)
    );
    for answer in [
        server.get("/api/v1/devices", Some(&ben.access)).await,
        refreshed(&server, &ben.refresh).await,
        ben.sign_in(&server, true, DeviceId(0)).await,
    ] {
        assert_eq!(answer.code(), ErrorCode::AccountClosed);
    }
    let (attempt, opaque) = ben.password_shown(&server).await;
    let again = server
        .post(
            "/api/v1/logins/pending",
            None,
            &PendingLogin {
                attempt,
                opaque,
                code: None,
            },
        )
        .await;
    assert_eq!(again.code(), ErrorCode::AccountClosed);
    let vault = server.get("/api/v1/vault", Some(&pending.token)).await;
    assert_eq!(vault.code(), ErrorCode::SignInNeeded);
    // Its chain still says to others that it has ended.
    let path = format!("/api/v1/accounts/{}", ben.account);
    assert!(server.get(&path, Some(&mia.access)).await.status.is_success());
}

#[tokio::test]
async fn the_password_alone_opens_the_own_chain_and_nothing_else() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let pending: LoginPending = mia.pending(&server).await;
    assert_eq!((pending.account, pending.username.as_str()), (mia.account, "mia"));
    assert_eq!(pending.entries, [Bytes(mia.genesis.clone())]);
    let entries = |account: AccountId| format!("/api/v1/accounts/{account}/entries");
    assert!(
        server
            .get(&entries(mia.account), Some(&pending.token))
            .await
            .status
            .is_success()
    );
    let invented = Token(to_base64(&[7; 32]));
    for (path, token) in [
        (entries(ben.account), &pending.token),
        (entries(mia.account), &invented),
        (format!("/api/v1/accounts/{}", mia.account), &pending.token),
        ("/api/v1/devices".to_owned(), &pending.token),
        ("/api/v1/links".to_owned(), &pending.token),
    ] {
        let answer = server.get(&path, Some(token)).await;
        assert_eq!(answer.code(), ErrorCode::SignInNeeded, "{path}");
    }
    server
        .clock
        .shift(i64::try_from(pending.expires_in).unwrap() + 1000);
    let late = server.get(&entries(mia.account), Some(&pending.token)).await;
    assert_eq!(late.code(), ErrorCode::SignInNeeded);
}

#[tokio::test]
async fn a_pending_sign_in_needs_the_password_and_an_unused_attempt() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let (attempt, opaque) = mia.password_shown(&server).await;
    let spoilt = PendingLogin {
        code: None,
        attempt: attempt.clone(),
        opaque: Bytes(vec![0; opaque.as_slice().len()]),
    };
    let answer = server.post("/api/v1/logins/pending", None, &spoilt).await;
    assert_eq!(answer.code(), ErrorCode::WrongCredentials);
    // The attempt is used up, so the right answer comes too late.
    let body = PendingLogin {
        attempt,
        opaque,
        code: None,
    };
    let answer = server.post("/api/v1/logins/pending", None, &body).await;
    assert_eq!(answer.code(), ErrorCode::WrongCredentials);
}

#[tokio::test]
async fn two_devices_that_revoke_each_other_at_once_leave_one() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let phone = mia.device_added(&server).await;
    let chain = mia.chain(&server).await;
    let now = server.clock.now();
    let entry = |author, target, key: &SigningKey| -> AccountEntry {
        chain
            .next_entry(Author::Device(DeviceId(author)), now, revoke(target))
            .signed_with(|bytes| key.sign(bytes).to_bytes())
    };
    let (one, other) = (entry(0, 1, &mia.key), entry(1, 0, &phone.key));
    let answers = join_all([
        offer(&server, &mia.access, &one),
        offer(&server, &phone.access, &other),
    ])
    .await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status.is_success()).count(),
        1
    );
    let lost = answers.iter().find(|answer| !answer.status.is_success()).unwrap();
    assert!(matches!(
        lost.code(),
        ErrorCode::ChainMoved | ErrorCode::DeviceRevoked
    ));
    let mut left = 0;
    for access in [&mia.access, &phone.access] {
        let answer = server.get("/api/v1/devices", Some(access)).await;
        if answer.status.is_success() {
            left += 1;
            assert_eq!(answer.json::<DevicesFound>().devices.len(), 1);
        } else {
            assert_eq!(answer.code(), ErrorCode::DeviceRevoked);
        }
    }
    assert_eq!(left, 1);
}

#[tokio::test]
async fn a_device_that_was_revoked_while_it_was_away_reads_the_proof_by_its_refresh_token() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let phone = mia.device_added(&server).await;
    let ask = |token: &Token| HeldLogin {
        refresh_token: Some(token.clone()),
    };
    let path = "/api/v1/logins/ended/entries?after=1";
    let early = server.post(path, None, &ask(&phone.refresh)).await;
    assert_eq!(
        early.code(),
        ErrorCode::SignInNeeded,
        "it is no way around signing in"
    );
    let entry = mia.entry(&server, revoke(1)).await;
    assert!(mia.offer(&server, &entry).await.status.is_success());
    // Long after its last access token.
    server.clock.shift(7 * 24 * 60 * 60 * 1000);
    assert_eq!(
        refreshed(&server, &phone.refresh).await.code(),
        ErrorCode::DeviceRevoked
    );
    let page: EntriesPage = server.post(path, None, &ask(&phone.refresh)).await.json();
    assert_eq!((page.entries, page.more), (vec![Bytes(entry.to_bytes())], false));
    for token in [&mia.refresh, &Token("invented".to_owned())] {
        let answer = server.post(path, None, &ask(token)).await;
        assert_eq!(answer.code(), ErrorCode::SignInNeeded);
    }
}
