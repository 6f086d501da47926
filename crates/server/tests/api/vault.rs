//! The account's vault.

use conclave_protocol::limits::{VAULT_APPEND_MAX, VAULT_KEY_MAX, VAULT_RECORD_MAX};
use conclave_protocol::vault::{AppendVaultRecords, VaultCount, VaultKeyBytes, VaultKeys, VaultRecordsPage};
use conclave_protocol::{Bytes, ErrorCode, Hash, Token};
use conclave_sigchain::{AccountBody, Vault, VaultSlotInForce};
use http::{Method, StatusCode};

use crate::harness::{Answer, Server};

async fn append(server: &Server, token: &Token, first: u64, records: Vec<Bytes>) -> Answer {
    let body = AppendVaultRecords { first, records };
    server.post("/api/v1/vault/records", Some(token), &body).await
}

async fn page(server: &Server, token: &Token, query: &str) -> VaultRecordsPage {
    let path = format!("/api/v1/vault/records{query}");
    server.get(&path, Some(token)).await.json()
}

async fn put(server: &Server, token: &Token, keys: Vec<VaultKeyBytes>) -> Answer {
    let body = VaultKeys { keys };
    server
        .send(Method::PUT, "/api/v1/vault/keys", Some(token), &[], &body)
        .await
}

fn key(number: u8, length: usize) -> VaultKeyBytes {
    VaultKeyBytes {
        hash: Hash([number; 32]),
        bytes: Bytes(vec![number; length]),
    }
}

fn records(count: u8, length: usize) -> Vec<Bytes> {
    (0..count).map(|number| Bytes(vec![number; length])).collect()
}

#[tokio::test]
async fn a_vault_takes_what_the_operator_allows_and_another_one_goes_on() {
    let server = Server::start_with(|config| config.vault_quota = 100).await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    let first = append(&server, &mia.access, 0, records(9, 10)).await;
    assert!(first.status.is_success());
    let refused = append(&server, &mia.access, 9, records(2, 10)).await;
    assert_eq!(refused.code(), ErrorCode::VaultFull);
    let count: VaultCount = server.get("/api/v1/vault", Some(&mia.access)).await.json();
    assert_eq!(count.records, 9, "of what is refused nothing is kept");
    for (token, first) in [(&mia.access, 9), (&ben.access, 0)] {
        let taken = append(&server, token, first, records(1, 10)).await;
        assert!(taken.status.is_success());
    }
}

#[tokio::test]
async fn records_are_appended_by_devices_and_read_also_before_there_is_one() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let ben = server.person("ben", &mia).await;
    for _ in 0..2 {
        let count: VaultCount = append(&server, &mia.access, 0, records(5, 10)).await.json();
        assert_eq!(count.records, 5, "a repeat is safe");
    }
    let moved = append(&server, &mia.access, 0, records(6, 10)).await;
    assert_eq!(moved.code(), ErrorCode::ChainMoved);
    let phone = mia.device_added(&server).await;
    assert!(
        append(&server, &phone.access, 5, records(1, 10))
            .await
            .status
            .is_success()
    );

    let pending = mia.pending(&server).await;
    for token in [&mia.access, &phone.access, &pending.token] {
        let count: VaultCount = server.get("/api/v1/vault", Some(token)).await.json();
        assert_eq!(count.records, 6);
        let found = page(&server, token, "?first=3&limit=2").await;
        assert_eq!((found.first, found.records), (3, records(5, 10)[3..].to_vec()));
        assert_eq!(page(&server, token, "").await.records.len(), 6);
    }
    let refused = append(&server, &pending.token, 6, records(1, 10)).await;
    assert_eq!(refused.code(), ErrorCode::SignInNeeded, "it may only read");
    assert!(page(&server, &ben.access, "").await.records.is_empty());
    assert_eq!(
        server.get("/api/v1/vault", None).await.code(),
        ErrorCode::SignInNeeded
    );
}

#[tokio::test]
async fn records_and_answers_have_their_bounds() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    for too_large in [
        records(1, VAULT_RECORD_MAX + 1),
        records(u8::try_from(VAULT_APPEND_MAX).unwrap() + 1, 1),
    ] {
        let refused = append(&server, &mia.access, 0, too_large).await;
        assert_eq!(refused.code(), ErrorCode::TooLarge);
    }
    for first in [0, 5] {
        append(&server, &mia.access, first, records(5, VAULT_RECORD_MAX))
            .await
            .json::<VaultCount>();
    }
    assert_eq!(page(&server, &mia.access, "").await.records.len(), 4);
    assert_eq!(page(&server, &mia.access, "?first=4").await.records.len(), 4);
    assert_eq!(page(&server, &mia.access, "?first=8").await.records.len(), 2);
    assert!(page(&server, &mia.access, "?first=10").await.records.is_empty());
}

#[tokio::test]
async fn keys_are_kept_under_their_hashes_and_those_in_force_for_good() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let answer = put(&server, &mia.access, vec![key(1, 60), key(2, 70)]).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let too_large = put(&server, &mia.access, vec![key(3, VAULT_KEY_MAX + 1)]).await;
    assert_eq!(too_large.code(), ErrorCode::TooLarge);

    let vault = Vault {
        generation: 1,
        slots: vec![VaultSlotInForce {
            slot: Hash([1; 32]),
            wrapped: Hash([2; 32]),
        }],
        records: 0,
        head: Hash([0; 32]),
    };
    let entry = mia.entry(&server, AccountBody::Vault(vault)).await;
    assert!(mia.offer(&server, &entry).await.status.is_success());
    for start in [10, 110] {
        let many = (start..start + 60).map(|number| key(number, 5)).collect();
        assert!(put(&server, &mia.access, many).await.status.is_success());
    }
    let pending = mia.pending(&server).await;
    let found: VaultKeys = server
        .get("/api/v1/vault/keys", Some(&pending.token))
        .await
        .json();
    let hashes: Vec<u8> = found.keys.iter().map(|key| key.hash.0[0]).collect();
    assert_eq!(hashes.len(), 64);
    assert_eq!(hashes[..2], [1, 2], "in force, however old");
    assert_eq!(found.keys[0].bytes.as_slice(), [1; 60]);
}
