//! Who judges a report reads the same forms as who makes one: the vectors of `crates/crypto`.

use conclave_auth::franking::{Author, ProvesNothing, open_direct, open_room};
use conclave_encoding::{hash_parts, labels};
use serde_json::Value;

fn vectors() -> Value {
    let text = include_str!("../../crypto/vectors/franking.json");
    serde_json::from_str::<Value>(text).unwrap()["vectors"].clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn direct(report: &Value) -> Result<Vec<u8>, ProvesNothing> {
    let (proof, body, ad) = (&report["proof"], &report["body"], &report["associated_data"]);
    let (body, ad) = (bytes(body), bytes(ad));
    // What is on record has one hash; a report that names another one is about another message.
    if hash_parts(labels::MESSAGE_HASH, &[&body, &ad]).to_vec() != bytes(&report["tag"]) {
        return Err(ProvesNothing);
    }
    open_direct(&bytes(proof), &body, &ad).map(|content| content.to_vec())
}

fn author(report: &Value) -> Author {
    let author = &report["author"];
    Author {
        account: bytes(&author["account"]).try_into().unwrap(),
        device: u32::try_from(author["device"].as_u64().unwrap()).unwrap(),
        signing: bytes(&author["signing_key"]).try_into().unwrap(),
    }
}

/// Room and epoch that a statement names.
fn place(statement: &[u8]) -> ([u8; 32], u32) {
    let at = 1 + labels::SENDER_KEY_STATEMENT.as_bytes().len() + 2;
    let room = statement[at..at + 32].try_into().unwrap();
    let epoch = u32::from_be_bytes(statement[at + 32..at + 36].try_into().unwrap());
    (room, epoch)
}

fn room_with(report: &Value, author: &Author, body: &[u8], proof: &[u8]) -> Result<Vec<u8>, ProvesNothing> {
    let statement = bytes(&report["statement"]);
    let (room, epoch) = place(&statement);
    let ad = bytes(&report["associated_data"]);
    open_room(proof, &statement, (&room, epoch), author, body, &ad).map(|content| content.to_vec())
}

fn room(report: &Value) -> Result<Vec<u8>, ProvesNothing> {
    room_with(
        report,
        &author(report),
        &bytes(&report["body"]),
        &bytes(&report["proof"]),
    )
}

#[test]
fn a_true_report_opens_to_what_was_sealed() {
    let vectors = vectors();
    for report in vectors["direct"].as_array().unwrap() {
        assert_eq!(direct(report), Ok(bytes(&report["content"])));
    }
    for report in vectors["room"].as_array().unwrap() {
        assert_eq!(room(report), Ok(bytes(&report["content"])));
    }
}

#[test]
fn an_altered_report_proves_nothing() {
    let vectors = vectors();
    for refused in vectors["refused_direct"].as_array().unwrap() {
        assert_eq!(
            direct(&refused["report"]),
            Err(ProvesNothing),
            "{}",
            refused["why"]
        );
    }
    let report = &vectors["direct"][1];
    let (proof, body) = (bytes(&report["proof"]), bytes(&report["body"]));
    let ad = bytes(&report["associated_data"]);
    for (which, original) in [&proof, &body, &ad].into_iter().enumerate() {
        for at in 0..original.len() {
            let mut altered = [proof.clone(), body.clone(), ad.clone()];
            altered[which][at] ^= 1;
            let [proof, body, ad] = altered;
            assert!(
                open_direct(&proof, &body, &ad).is_err(),
                "part {which}, byte {at}"
            );
        }
    }
}

#[test]
fn a_room_message_is_pinned_on_nobody_but_its_author() {
    let vectors = vectors();
    let report = &vectors["room"][0];
    let (true_author, body, proof) = (author(report), bytes(&report["body"]), bytes(&report["proof"]));
    let mut others = [true_author; 3];
    others[0].account[0] ^= 1;
    others[1].device += 1;
    others[2].signing = [7; 32];
    for other in &others {
        assert_eq!(room_with(report, other, &body, &proof), Err(ProvesNothing));
    }
    for at in 0..body.len() {
        let mut altered = body.clone();
        altered[at] ^= 1;
        assert!(
            room_with(report, &true_author, &altered, &proof).is_err(),
            "byte {at}"
        );
    }
    for at in 0..proof.len() {
        let mut altered = proof.clone();
        altered[at] ^= 1;
        assert!(
            room_with(report, &true_author, &body, &altered).is_err(),
            "byte {at}"
        );
    }
    // The key of one message opens no other of the chain.
    let next = &vectors["room"][1];
    assert!(room_with(next, &author(next), &bytes(&next["body"]), &proof).is_err());
}
