//! The directory of prekey bundles.

use conclave_protocol::frames::ServerFrame;
use conclave_protocol::limits::PREKEY_BUNDLE_MAX;
use conclave_protocol::prekeys::{PrekeyClaimed, PrekeyUpload, PrekeysLeft, PrekeysUpload};
use conclave_protocol::{Bytes, ErrorCode};
use conclave_server::config::LimitsConfig;

use crate::harness::{Person, Server, Socket};

const OWN: &str = "/api/v1/devices/prekeys";

fn upload(one_time: std::ops::Range<u32>) -> PrekeysUpload {
    let bundle = |id: u32| PrekeyUpload {
        id,
        bundle: Bytes(id.to_be_bytes().to_vec()),
    };
    PrekeysUpload {
        one_time: one_time.map(bundle).collect(),
        last_resort: Some(PrekeyUpload {
            id: 0,
            bundle: Bytes(b"last".to_vec()),
        }),
        replace: false,
    }
}

fn claim_of(person: &Person) -> String {
    format!("/api/v1/accounts/{}/devices/0/prekeys/claim", person.account)
}

#[tokio::test]
async fn a_one_time_bundle_is_handed_out_once_and_then_the_last_resort() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    assert_eq!(
        server.post(&claim_of(&ben), Some(&mia.access), &()).await.code(),
        ErrorCode::NoPrekeys
    );
    let left: PrekeysLeft = server.post(OWN, Some(&ben.access), &upload(1..3)).await.json();
    assert_eq!((left.one_time, left.last_resort), (2, true));

    let mut claimed = Vec::new();
    for _ in 0..4 {
        let answer = server.post(&claim_of(&ben), Some(&mia.access), &()).await;
        claimed.push(answer.json::<PrekeyClaimed>().bundle.0);
    }
    claimed[..2].sort_unstable();
    assert_eq!(
        claimed,
        [
            vec![0, 0, 0, 1],
            vec![0, 0, 0, 2],
            b"last".to_vec(),
            b"last".to_vec()
        ]
    );
    let left: PrekeysLeft = server.get(OWN, Some(&ben.access)).await.json();
    assert_eq!((left.one_time, left.last_resort), (0, true));
}

#[tokio::test]
async fn a_greedy_asker_gets_the_last_resort_and_drains_nobody() {
    let server = Server::start_with(|config| {
        config.limits.prekey_claims = LimitsConfig::default().prekey_claims;
    })
    .await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    server
        .post(OWN, Some(&ben.access), &upload(1..51))
        .await
        .json::<PrekeysLeft>();
    for number in 0..20 {
        let answer = server.post(&claim_of(&ben), Some(&mia.access), &()).await;
        let bundle = answer.json::<PrekeyClaimed>().bundle;
        assert_eq!(bundle.as_slice() == b"last", number >= 6);
    }
    assert_eq!(
        server
            .get(OWN, Some(&ben.access))
            .await
            .json::<PrekeysLeft>()
            .one_time,
        44
    );
}

#[tokio::test]
async fn a_connected_device_hears_that_its_bundles_run_low() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    server
        .post(OWN, Some(&ben.access), &upload(1..35))
        .await
        .json::<PrekeysLeft>();
    let (mut socket, welcome) = Socket::open(&server, &ben).await;
    assert_eq!(welcome.one_time_prekeys, 34);
    server
        .post(&claim_of(&ben), Some(&mia.access), &())
        .await
        .json::<PrekeyClaimed>();
    server
        .post(&claim_of(&ben), Some(&mia.access), &())
        .await
        .json::<PrekeyClaimed>();
    assert_eq!(socket.hear_news().await, ServerFrame::PrekeysLow(32));
}

#[tokio::test]
async fn bundles_over_their_limit_are_refused() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let mut large = upload(1..2);
    large.one_time[0].bundle = Bytes(vec![0; PREKEY_BUNDLE_MAX + 1]);
    assert_eq!(
        server.post(OWN, Some(&mia.access), &large).await.code(),
        ErrorCode::TooLarge
    );
    assert_eq!(
        server.post(OWN, Some(&mia.access), &upload(1..102)).await.code(),
        ErrorCode::TooLarge
    );
}
