//! Pins what is sent and stored. A change here is a change of the protocol: other versions stop understanding it.

use sha2::{Digest, Sha256};

use super::{AD, Device, NOW, rng};
use crate::attachments::{AttachmentKey, AttachmentSealer};
use crate::franking::FrankingProof;
use crate::limits::{MAX_CHAIN_MESSAGES, MAX_CHAINS_STATE, MAX_ROOM_MESSAGE};
use crate::linking::{LinkAnswer, LinkOffer, LinkWay, NewDeviceKeys, RevealedLink};
use crate::safety_numbers::SafetyNumber;
use crate::sender_keys::{
    MessageOpening, ReceivingChains, SenderKeyDistribution, SenderKeyMessage, SendingChain,
};
use crate::vault::{SlotSecret, VaultKey, VaultLog, VaultSlot, WrappedVaultKey};
use crate::{
    ContentKey, PairwiseMessage, ParseError, PrekeyBundle, PrekeyKind, PrekeySecret, Purpose, RecoveryKey,
    Sessions, SignedPrekey, StateError, message_hash, seal_content,
};

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)[..8]
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

#[test]
fn formats_are_what_they_were() {
    let mut rng = rng(42);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    let secret = PrekeySecret::generate(PrekeyKind::OneTime, 9, NOW, &mut rng);
    let bundle = PrekeyBundle::sign(&bob.account, 1, &bob.signing, &bob.signed, &secret, NOW).to_bytes();
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(&[1; 64], &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    let answer = bob.send(&[2; 64], &mut rng);
    let key = ContentKey::from_bytes(&[3; 32]);
    let content = seal_content(&key, AD, b"hello").unwrap();

    let rows = [
        ("signed prekey", alice.signed.to_bytes().to_vec()),
        ("prekey secret", secret.to_bytes().to_vec()),
        ("bundle", bundle),
        ("prekey message", first),
        ("ratchet message", answer),
        ("initiator's sessions", alice.sessions.to_bytes().to_vec()),
        ("responder's sessions", bob.sessions.to_bytes().to_vec()),
        ("content", content.clone()),
        ("message hash", message_hash(&content, AD).to_vec()),
        (
            "recovery signing key",
            RecoveryKey::from_bytes(&[4; 32])
                .signing_key()
                .public()
                .to_bytes()
                .to_vec(),
        ),
    ];
    let shown: Vec<String> = rows
        .iter()
        .map(|(name, bytes)| format!("{name}: {} bytes, {}", bytes.len(), digest(bytes)))
        .collect();
    assert_eq!(
        shown.join("\n"),
        "signed prekey: 73 bytes, 8890311dee096587\n\
         prekey secret: 138 bytes, 1ac67e1cf90c8bed\n\
         bundle: 1401 bytes, 6fe7a2f487afc271\n\
         prekey message: 1293 bytes, 07d64af6f653f116\n\
         ratchet message: 163 bytes, f111b734d20afb07\n\
         initiator's sessions: 1479 bytes, 35fb5682df2926f0\n\
         responder's sessions: 386 bytes, 272ecfcd7c88dbb5\n\
         content: 112 bytes, 0e886efd4a11c795\n\
         message hash: 32 bytes, 805f8e8b8a8f9e4c\n\
         recovery signing key: 32 bytes, 74a9291c76780073"
    );
}

#[test]
fn formats_of_rooms_are_what_they_were() {
    let mut rng = rng(45);
    let alice = Device::new(1, &mut rng);
    let address = alice.remote().address();
    let mut chain = SendingChain::begin(&[5; 32], 3, address, &alice.signing, NOW, &mut rng);
    let distribution = chain.distribution(9, &[6; 32]);
    let mut chains = ReceivingChains::new(&[5; 32], address);
    let parsed = SenderKeyDistribution::from_bytes(&distribution).unwrap();
    chains.accept(&parsed, &alice.remote(), 3, NOW).unwrap();
    chain.seal(AD, b"lost", NOW, &mut rng).unwrap();
    let message = chain.seal(AD, b"hello", NOW, &mut rng).unwrap();
    let opened = chains
        .open(&SenderKeyMessage::from_bytes(&message.bytes).unwrap(), AD, NOW)
        .unwrap();

    let rows = [
        ("statement", chain.statement().to_bytes()),
        ("distribution", distribution.to_vec()),
        ("seed", chain.seed().to_vec()),
        ("room message", message.bytes),
        ("its hash", message.hash.to_vec()),
        ("its key", opened.opening.as_bytes().to_vec()),
        ("sending chain", chain.to_bytes().to_vec()),
        ("receiving chains", chains.to_bytes().to_vec()),
    ];
    let shown: Vec<String> = rows
        .iter()
        .map(|(name, bytes)| format!("{name}: {} bytes, {}", bytes.len(), digest(bytes)))
        .collect();
    assert_eq!(
        shown.join("\n"),
        "statement: 219 bytes, cd4576f3b8c0959a\n\
         distribution: 333 bytes, ccfdb1f11b540554\n\
         seed: 289 bytes, 754bab3c4f574821\n\
         room message: 210 bytes, 6a2484ed77baa78d\n\
         its hash: 32 bytes, 000921fa0524b473\n\
         its key: 32 bytes, 0461f85e03235c88\n\
         sending chain: 257 bytes, 84d80058f7060340\n\
         receiving chains: 247 bytes, 3d9c71aaebcb3057"
    );
}

#[test]
fn a_room_message_is_146_or_147_bytes_longer_than_its_padded_content() {
    let mut rng = rng(46);
    let alice = Device::new(1, &mut rng);
    let mut chain = SendingChain::begin(
        &[5; 32],
        3,
        alice.remote().address(),
        &alice.signing,
        NOW,
        &mut rng,
    );
    for iteration in 0..MAX_CHAIN_MESSAGES {
        let message = chain.seal(AD, &[7; 142], NOW, &mut rng).unwrap();
        let overhead = if iteration < 128 { 146 } else { 147 };
        assert_eq!(message.bytes.len(), 144 + overhead);
    }
    // The longest of all fits into the 32 KiB that the server takes.
    const { assert!(MAX_ROOM_MESSAGE <= 32 * 1024) };
}

#[test]
fn a_steady_message_with_a_content_key_fits_the_budget() {
    let mut rng = rng(43);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::OneTime, &mut rng);
    let first = alice.send(&[0; 64], &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    assert_eq!(bob.send(&[0; 64], &mut rng).len(), 163);
    for _ in 0..200 {
        let message = bob.send(&[0; 64], &mut rng);
        assert!(message.len() <= 166, "{} bytes", message.len());
    }
}

#[test]
fn a_sealed_text_of_142_bytes_has_144_and_its_overhead() {
    let sealed = seal_content(&ContentKey::from_bytes(&[3; 32]), AD, &[7; 142]).unwrap();
    assert_eq!(sealed.len(), 144 + 32 + 16);
}

#[test]
fn state_of_another_version_suite_or_record_is_refused() {
    let state = Sessions::default().to_bytes();
    let frame = 1 + conclave_encoding::labels::SESSION_STATE.as_bytes().len();
    for (offset, expected) in [
        (frame, StateError::OtherVersion),
        (frame + 1, StateError::OtherVersion),
        (frame + 2, StateError::OtherRecord),
    ] {
        let mut other = state.to_vec();
        other[offset] ^= 0x40;
        assert_eq!(Sessions::from_bytes(&other).err(), Some(expected));
    }
    assert_eq!(
        SignedPrekey::from_bytes(&state).err(),
        Some(StateError::OtherRecord)
    );
    assert_eq!(
        PrekeySecret::from_bytes(&state).err(),
        Some(StateError::OtherRecord)
    );
    assert_eq!(
        SendingChain::from_bytes(&state).err(),
        Some(StateError::OtherRecord)
    );
    assert_eq!(
        ReceivingChains::from_bytes(&state).err(),
        Some(StateError::OtherRecord)
    );
    let mut too_many = state.to_vec();
    *too_many.last_mut().unwrap() = 7;
    assert_eq!(Sessions::from_bytes(&too_many).err(), Some(StateError::OverLimit));
}

#[test]
fn parsing_is_exact_and_never_panics_on_cut_or_altered_bytes() {
    let mut rng = rng(44);
    let mut alice = Device::new(1, &mut rng);
    let mut bob = Device::new(2, &mut rng);
    alice.begin(&mut bob, PrekeyKind::LastResort, &mut rng);
    let first = alice.send(b"x", &mut rng);
    bob.receive(&alice.remote(), &first).unwrap();
    let answer = bob
        .sessions
        .seal(Purpose::MessageKey, AD, b"y", NOW, &mut rng)
        .unwrap();
    for message in [&first, &answer] {
        assert_eq!(PairwiseMessage::from_bytes(message).unwrap().to_bytes(), *message);
        for length in 0..message.len() {
            let _ = PairwiseMessage::from_bytes(&message[..length]);
        }
        for position in 0..message.len() {
            let mut altered = message.clone();
            altered[position] ^= 0xff;
            if let Ok(parsed) = PairwiseMessage::from_bytes(&altered) {
                assert_eq!(parsed.to_bytes(), altered);
            }
        }
    }
    let state = bob.sessions.to_bytes();
    for length in 0..state.len() {
        assert!(Sessions::from_bytes(&state[..length]).is_err());
    }
    let mut chain = SendingChain::begin(&[5; 32], 3, bob.remote().address(), &bob.signing, NOW, &mut rng);
    let distribution = SenderKeyDistribution::from_bytes(&chain.distribution(9, &[6; 32])).unwrap();
    let mut chains = ReceivingChains::new(&[5; 32], bob.remote().address());
    chains.accept(&distribution, &bob.remote(), 3, NOW).unwrap();
    chain.seal(AD, b"lost", NOW, &mut rng).unwrap();
    let message = chain.seal(AD, b"x", NOW, &mut rng).unwrap().bytes;
    let parsed = SenderKeyMessage::from_bytes(&message).unwrap();
    chains.open(&parsed, AD, NOW).unwrap();
    for length in 0..message.len() {
        let _ = SenderKeyMessage::from_bytes(&message[..length]);
    }
    let state = chain.to_bytes();
    for length in 0..state.len() {
        assert!(SendingChain::from_bytes(&state[..length]).is_err());
    }
    let state = chains.to_bytes();
    for length in 0..state.len() {
        assert!(ReceivingChains::from_bytes(&state[..length]).is_err());
    }
    for position in 0..state.len() {
        let mut altered = state.to_vec();
        altered[position] ^= 0xff;
        if let Ok(parsed) = ReceivingChains::from_bytes(&altered) {
            assert_eq!(*parsed.to_bytes(), altered);
        }
    }
    assert_eq!(
        ReceivingChains::from_bytes(&vec![0; MAX_CHAINS_STATE + 1]).err(),
        Some(StateError::OverLimit)
    );
    assert_eq!(
        SenderKeyMessage::from_bytes(&vec![0x13; MAX_ROOM_MESSAGE + 1]).err(),
        Some(ParseError::TooLong)
    );
    assert!(PairwiseMessage::from_bytes(&vec![0x10; crate::limits::MAX_PAIRWISE_MESSAGE + 1]).is_err());
}

#[test]
fn formats_of_files_vault_and_reports_are_what_they_were() {
    let mut rng = rng(45);
    let device = Device::new(1, &mut rng);
    let address = device.remote().address();
    let (mut sealer, header) =
        AttachmentSealer::begin(AttachmentKey::from_bytes(&[1; 32]), 20_000, &mut rng).unwrap();
    let mut file = header.to_vec();
    while let Some(wanted) = sealer.wanted() {
        file.extend(sealer.seal_chunk(&vec![7; wanted]).unwrap());
    }
    let reference = sealer.finish().unwrap();
    let secrets = [
        SlotSecret::from_recovery_key(&RecoveryKey::from_bytes(&[2; 32])),
        SlotSecret::from_export_key(&[2; 64]),
        SlotSecret::from_prf_output(&[2; 32]),
    ];
    let [recovery, password, passkey] =
        secrets.map(|secret| VaultSlot::sign(address, &device.signing, &secret, NOW));
    let key = VaultKey::from_parts(0, &[3; 32]);
    let wrapped = WrappedVaultKey::wrap(
        &key,
        &recovery.verify(&device.remote()).unwrap(),
        address,
        &device.signing,
        &mut rng,
    )
    .unwrap();
    let name = key.record_name(b"settings").unwrap();
    let record = key
        .seal_record(&VaultLog::new(device.account), &name, b"content", &mut rng)
        .unwrap();
    let number = SafetyNumber::new(&[4; 32], &[5; 32]);
    let rows = [
        ("file", file),
        ("reference", reference.to_bytes().to_vec()),
        ("recovery slot", recovery.to_bytes()),
        ("password slot", password.to_bytes()),
        ("passkey slot", passkey.to_bytes()),
        ("wrapped key", wrapped.to_bytes()),
        ("record name", name.to_vec()),
        ("record", record.to_bytes()),
        ("record hash", record.hash().to_vec()),
        ("safety number", number.digits().into_bytes()),
        ("safety code", number.code()),
        (
            "direct proof",
            FrankingProof::direct(&ContentKey::from_bytes(&[6; 32]))
                .to_bytes()
                .to_vec(),
        ),
        (
            "room proof",
            FrankingProof::room(&MessageOpening::from_bytes(&[6; 32]))
                .to_bytes()
                .to_vec(),
        ),
    ];
    let shown: Vec<String> = rows
        .iter()
        .map(|(name, bytes)| format!("{name}: {} bytes, {}", bytes.len(), digest(bytes)))
        .collect();
    assert_eq!(
        shown.join("\n"),
        "file: 20568 bytes, 8444313aae056c85\n\
         reference: 80 bytes, dc274adc2a9ea29e\n\
         recovery slot: 1350 bytes, 6fd781e77322f742\n\
         password slot: 1350 bytes, 393923d6405339cb\n\
         passkey slot: 1350 bytes, 71112a3a9a701202\n\
         wrapped key: 1368 bytes, 1d8fe4b152fd5d3a\n\
         record name: 32 bytes, 5d670ddc60db4898\n\
         record: 283 bytes, 6a492c84ac0d26e2\n\
         record hash: 32 bytes, 52cb94ca3c1c72cc\n\
         safety number: 60 bytes, 4d3f3c77ec160c8d\n\
         safety code: 89 bytes, eaa754a3a1c3e8e6\n\
         direct proof: 62 bytes, 8cdbcde8af372104\n\
         room proof: 62 bytes, 777fa24b266bfd77"
    );
}

#[test]
fn formats_of_links_are_what_they_were() {
    let mut rng = rng(47);
    let device = Device::new(1, &mut rng);
    let keys = NewDeviceKeys {
        signing: device.signing.public(),
        identity: device.identity.public(),
    };
    let mut rows = Vec::new();
    for way in [LinkWay::Code, LinkWay::Scan] {
        let offer = LinkOffer::new(way, keys, &mut rng);
        rows.push(("offer", offer.to_bytes().to_vec()));
        rows.push(("commitment", offer.message().to_bytes()));
        let answer = match offer.code() {
            None => LinkAnswer::to_commitment(&offer.message(), &mut rng),
            Some(code) => {
                rows.push(("code", code.to_text().as_bytes().to_vec()));
                LinkAnswer::to_code(&code, &mut rng)
            }
        };
        rows.push(("answering", answer.to_bytes().to_vec()));
        rows.push(("answer", answer.message().to_bytes()));
        let awaiting = offer.answered(&answer.message(), &mut rng).unwrap();
        rows.push(("awaiting", awaiting.to_bytes().to_vec()));
        rows.push(("reveal", awaiting.message().to_bytes()));
        let confirmed = match answer.revealed(&awaiting.message()).unwrap() {
            RevealedLink::Confirmed(link) => link,
            RevealedLink::Unconfirmed(link) => {
                rows.push(("unconfirmed", link.to_bytes().to_vec()));
                let digits = awaiting.digits().unwrap();
                rows.push(("digits", digits.to_string().into_bytes()));
                link.confirm(digits).unwrap()
            }
        };
        rows.push(("confirmed", confirmed.to_bytes().to_vec()));
        let (mut channel, grant) = confirmed.grant(b"payload", &mut rng).unwrap();
        rows.push(("grant", grant.to_bytes()));
        rows.push(("message", channel.seal(b"payload", &mut rng).unwrap().to_bytes()));
        rows.push(("transcript", channel.transcript().to_vec()));
        rows.push(("channel", channel.to_bytes().to_vec()));
    }
    let shown: Vec<String> = rows
        .iter()
        .map(|(name, bytes)| format!("{name}: {} bytes, {}", bytes.len(), digest(bytes)))
        .collect();
    assert_eq!(
        shown.join("\n"),
        "offer: 174 bytes, d3cc339f1276ad36\n\
         commitment: 76 bytes, 1e2a1f65f245e3b1\n\
         answering: 142 bytes, 1441be8c7c30f08a\n\
         answer: 1276 bytes, 9543caf332784b04\n\
         awaiting: 3790 bytes, 13533eec412cdc6d\n\
         reveal: 2460 bytes, 5d5d4a73c170c6eb\n\
         unconfirmed: 3758 bytes, 2220633ec16e0974\n\
         digits: 6 bytes, 93d46acdb78aac48\n\
         confirmed: 3758 bytes, 7f96a2083f578b36\n\
         grant: 1281 bytes, 7a29932d0841e1a1\n\
         message: 161 bytes, f5cc9f87724f0d9e\n\
         transcript: 32 bytes, c47ddeb136387709\n\
         channel: 128 bytes, 055aaa1c7d0c6689\n\
         offer: 190 bytes, 96c0d817cb7bf7d8\n\
         commitment: 76 bytes, 99b7c76ea5887961\n\
         code: 118 bytes, ab06f5e389ec2c8a\n\
         answering: 158 bytes, a8b5f76128a1469b\n\
         answer: 1276 bytes, d1446f783259222f\n\
         awaiting: 3806 bytes, 2a79fd14f5593fcf\n\
         reveal: 2460 bytes, 391a553ea98930c2\n\
         confirmed: 3774 bytes, e3953bfb3ae24eb9\n\
         grant: 1281 bytes, 97445f0f6c434202\n\
         message: 161 bytes, 87b49449a9da3947\n\
         transcript: 32 bytes, 6fe7ed55fcf77ae6\n\
         channel: 128 bytes, bbb79b34ea708007"
    );
}
