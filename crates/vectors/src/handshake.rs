//! `handshake.json`: bundles, first messages and first answers, from every secret and every draw.

use conclave_crypto::{PrekeyBundle, PrekeyKind};
use conclave_encoding::{Reader, Writer, labels};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::device::{Device, End, Prekeys, PurposeName, SealedMessage};
use crate::file::{Counts, file, read};
use crate::hex::Alteration;
use crate::random::{Fixed, Script};
use crate::refusal::{Context, refused, same};
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "handshake.json";

const ABOUT: &[&str] = &[
    "The initiator draws its ephemeral secret and then 32 bytes for the encapsulation of ML-KEM; sealing draws the \
     secret of a new ratchet pair, where one is made, and then the 16 random bytes of the header.",
    "transcript_hash is T. first_message travels to the responder, answer comes back.",
    "Refusals name a handshake by its place and one byte that was altered, of the bundle or of the first message.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handshakes {
    handshakes: Vec<Handshake>,
    refused_bundles: Vec<Refused>,
    refused_first_messages: Vec<Refused>,
}

/// A handshake from its secrets to its first two messages.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handshake {
    name: String,
    initiator: Device,
    responder: Device,
    prekeys: Prekeys,
    bundle: Hex,
    ephemeral_secret: Hex,
    encapsulation_randomness: Hex,
    transcript_hash: Hex,
    first_message: SealedMessage,
    answer: SealedMessage,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    handshake: usize,
    altered: Alteration,
    reason: String,
}

/// Two devices that began a session; the responder has not heard of it yet.
pub(crate) struct Begun {
    pub(crate) initiator: End,
    pub(crate) responder: End,
    pub(crate) ephemeral_secret: Hex,
    pub(crate) encapsulation_randomness: Hex,
    pub(crate) bundle: Vec<u8>,
}

/// Makes the bundle and begins a session with it, on fresh draws.
pub(crate) fn begin(
    initiator: &Device,
    responder: &Device,
    prekeys: &Prekeys,
    rng: &mut Fixed,
) -> Result<Begun, Refusal> {
    let (mut initiator, responder) = (initiator.end()?, responder.end()?);
    let (signed, secret) = prekeys.secrets()?;
    let bundle = responder.bundle(&signed, &secret, prekeys.expires).to_bytes();
    let (begun, drawn) = rng.record(|rng| initiator.begin(&responder.remote(), &bundle, rng));
    begun?;
    let [ephemeral_secret, encapsulation_randomness] =
        <[Hex; 2]>::try_from(drawn).map_err(|_| Refusal::new("a handshake draws twice"))?;
    Ok(Begun {
        initiator,
        responder,
        ephemeral_secret,
        encapsulation_randomness,
        bundle,
    })
}

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("handshake");
    let mut handshakes = Vec::new();
    for (kind, name) in [
        (PrekeyKind::OneTime, "one-time prekey"),
        (PrekeyKind::LastResort, "last-resort prekey"),
        (
            PrekeyKind::OneTime,
            "one-time prekey of a later device, content key first",
        ),
        (
            PrekeyKind::LastResort,
            "last-resort prekey of a later device, content key first",
        ),
    ] {
        let later = handshakes.len() >= 2;
        let (from, to) = if later { (3, 41) } else { (0, 0) };
        handshakes.push(make(name, kind, from, to, &mut rng)?);
    }
    let mut refused_bundles = Vec::new();
    let mut refused_first_messages = Vec::new();
    for handshake in [0, 1] {
        let vector = &handshakes[handshake];
        for position in (0..vector.bundle.0.len()).step_by(61) {
            let altered = Alteration {
                position,
                xor: 1 << (position % 8),
            };
            let reason = open_bundle(vector, altered)?.expect_err("an altered bundle is refused");
            refused_bundles.push(Refused {
                handshake,
                altered,
                reason,
            });
        }
        for position in (0..vector.first_message.message.0.len()).step_by(53) {
            let altered = Alteration {
                position,
                xor: 1 << (position % 8),
            };
            let reason = open_first(vector, altered)?.expect_err("an altered message is refused");
            refused_first_messages.push(Refused {
                handshake,
                altered,
                reason,
            });
        }
    }
    Ok(file(
        NAME,
        ABOUT,
        Handshakes {
            handshakes,
            refused_bundles,
            refused_first_messages,
        },
    ))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: Handshakes = read(NAME, json)?;
    let mut counts = Counts::default();
    for vector in &vectors.handshakes {
        verify(vector).context(&vector.name)?;
        counts.add("handshake", 1);
    }
    let of = |refusal: &Refused| {
        vectors
            .handshakes
            .get(refusal.handshake)
            .ok_or_else(|| Refusal::new("a refusal names no handshake"))
    };
    for refusal in &vectors.refused_bundles {
        let result = open_bundle(of(refusal)?, refusal.altered)?;
        refused(result, &refusal.reason).context("an altered bundle")?;
        counts.add("handshake, altered bundle refused", 1);
    }
    for refusal in &vectors.refused_first_messages {
        let result = open_first(of(refusal)?, refusal.altered)?;
        refused(result, &refusal.reason).context("an altered first message")?;
        counts.add("handshake, altered first message refused", 1);
    }
    Ok(counts)
}

fn make(name: &str, kind: PrekeyKind, from: u32, to: u32, rng: &mut Fixed) -> Result<Handshake, Refusal> {
    let (initiator, responder) = (Device::make(from, rng), Device::make(to, rng));
    let prekeys = Prekeys::make(
        kind,
        7,
        if kind == PrekeyKind::OneTime {
            19
        } else {
            1_000_000
        },
        rng,
    );
    let mut begun = begin(&initiator, &responder, &prekeys, rng)?;
    let purpose = if from == 0 {
        PurposeName::Control
    } else {
        PurposeName::MessageKey
    };
    let first_message = SealedMessage::make(
        &mut begun.initiator,
        purpose,
        b"the caller's data",
        b"hello, first",
        rng,
    )?;
    let (signed, secret) = prekeys.secrets()?;
    let transcript_hash = transcript_hash(&initiator, &responder, &begun.bundle, &first_message.message.0)?;
    begun
        .responder
        .open(
            &begun.initiator.remote(),
            Some((&signed, &secret)),
            purpose.into(),
            b"the caller's data",
            &first_message.message.0,
        )
        .context("opening")?;
    let answer = SealedMessage::make(
        &mut begun.responder,
        PurposeName::Control,
        b"other data",
        b"hello, back",
        rng,
    )?;
    Ok(Handshake {
        name: name.into(),
        initiator,
        responder,
        prekeys,
        bundle: begun.bundle.into(),
        ephemeral_secret: begun.ephemeral_secret,
        encapsulation_randomness: begun.encapsulation_randomness,
        transcript_hash,
        first_message,
        answer,
    })
}

/// Makes everything anew from the secrets, compares, and opens both messages.
fn verify(vector: &Handshake) -> Result<(), Refusal> {
    let (mut initiator, mut responder) = (vector.initiator.end()?, vector.responder.end()?);
    let (signed, secret) = vector.prekeys.secrets()?;
    let bundle = responder
        .bundle(&signed, &secret, vector.prekeys.expires)
        .to_bytes();
    same("the bundle", Hex(bundle), vector.bundle.clone())?;
    let draws = [&vector.ephemeral_secret, &vector.encapsulation_randomness];
    Script::play(draws, |rng| {
        initiator.begin(&responder.remote(), &vector.bundle.0, rng)
    })??;
    vector.first_message.check(&mut initiator)?;
    let (first, answer) = (&vector.first_message, &vector.answer);
    let hash = transcript_hash(
        &vector.initiator,
        &vector.responder,
        &vector.bundle.0,
        &first.message.0,
    )?;
    same("the transcript's hash", hash, vector.transcript_hash.clone())?;
    let opened = responder
        .open(
            &initiator.remote(),
            Some((&signed, &secret)),
            first.purpose.into(),
            &first.bound.0,
            &first.message.0,
        )
        .context("the first message")?;
    same("the first text", Hex(opened), first.plaintext.clone())?;
    answer.check(&mut responder).context("the answer")?;
    let opened = initiator
        .open(
            &responder.remote(),
            None,
            answer.purpose.into(),
            &answer.bound.0,
            &answer.message.0,
        )
        .context("the answer")?;
    same("the answer's text", Hex(opened), answer.plaintext.clone())
}

fn open_bundle(vector: &Handshake, altered: Alteration) -> Result<Result<(), String>, Refusal> {
    let bundle = vector.bundle.altered(altered)?;
    let owner = vector.responder.end()?.remote();
    Ok(PrekeyBundle::from_bytes(&bundle)
        .map_err(|error| error.to_string())
        .and_then(|bundle| {
            bundle
                .verify(&owner)
                .map(|_| ())
                .map_err(|error| error.to_string())
        }))
}

fn open_first(vector: &Handshake, altered: Alteration) -> Result<Result<Vec<u8>, String>, Refusal> {
    let first = &vector.first_message;
    let message = first.message.altered(altered)?;
    let (signed, secret) = vector.prekeys.secrets()?;
    let mut responder = vector.responder.end()?;
    let before = responder.state();
    let result = responder.open(
        &vector.initiator.end()?.remote(),
        Some((&signed, &secret)),
        first.purpose.into(),
        &first.bound.0,
        &message,
    );
    same("the state after a refusal", responder.state(), before)?;
    Ok(result)
}

/// T, from what is public: this crate's own reading of the transcript's table.
fn transcript_hash(
    initiator: &Device,
    responder: &Device,
    bundle: &[u8],
    first_message: &[u8],
) -> Result<Hex, Refusal> {
    let mut reader = Reader::new(labels::PREKEY_ENTRY, bundle).context("the bundle")?;
    let read = |error| Refusal::new(format!("the bundle: {error}"));
    let (version, suite) = (reader.u8().map_err(read)?, reader.u8().map_err(read)?);
    let _account: [u8; 32] = reader.fixed().map_err(read)?;
    let _device = reader.u32().map_err(read)?;
    let prekey_id = reader.u32().map_err(read)?;
    let kind = reader.u8().map_err(read)?;
    let signed_prekey_id = reader.u32().map_err(read)?;
    let signed_prekey: [u8; 32] = reader.fixed().map_err(read)?;
    let one_time: Option<[u8; 32]> = reader.option_fixed().map_err(read)?;
    let kem: [u8; 1184] = reader.fixed().map_err(read)?;
    // Behind the type, kind and two ids of the prekey header.
    let (ephemeral, kem_ciphertext) = first_message
        .get(10..1130)
        .and_then(<[u8]>::split_first_chunk::<32>)
        .ok_or_else(|| Refusal::new("the first message is too short"))?;
    let kem_ciphertext: &[u8; 1088] = kem_ciphertext
        .try_into()
        .map_err(|_| Refusal::new("the first message is too short"))?;
    let mut writer = Writer::new(labels::HANDSHAKE_TRANSCRIPT).u8(version).u8(suite);
    for side in [initiator, responder] {
        writer = writer
            .fixed(&side.account.array::<32>()?)
            .u32(side.device)
            .fixed(&side.entry_hash.array::<32>()?)
            .fixed(&side.identity_key.array::<32>()?);
    }
    let transcript = writer
        .u32(signed_prekey_id)
        .fixed(&signed_prekey)
        .u8(kind)
        .u32(prekey_id)
        .option_fixed(one_time.as_ref())
        .fixed(&kem)
        .fixed(ephemeral)
        .fixed(kem_ciphertext)
        .finish();
    Ok(Sha256::digest(transcript).into())
}
