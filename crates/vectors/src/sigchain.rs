//! `sigchain.json`: entries that a chain accepts, and chains that are refused, each with its reason.

use conclave_crypto::{RecoveryKey, SigningKey};
use conclave_encoding::{Writer, labels};
use conclave_protocol::{AccountId, DeviceId, Hash, Timestamp};
use conclave_sigchain::{
    AccountBody, AccountChain, AccountEntry, Author, DeviceKeys, recovery_possession_bytes,
};
use serde::{Deserialize, Serialize};

use crate::file::{Counts, file, read};
use crate::random::Fixed;
use crate::refusal::{Context, refused, same};
use crate::sigchain_stories::Story;
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "sigchain.json";

const ABOUT: &[&str] = &[
    "Genesis entries, from the secrets of a device and of an account. The first is the worked example of the document.",
    "Whole chains, entry by entry: who signs each, what a new key signs to enter, and the state that they lead to.",
    "A refused chain is what somebody offers as the chain of `account`.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chains {
    genesis_entries: Vec<Genesis>,
    chains: Vec<WholeChain>,
    refused_chains: Vec<RefusedChain>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeChain {
    about: String,
    account: Hex,
    entries: Vec<SignedEntry>,
    head: u32,
    head_hash: Hex,
    active_devices: Vec<u32>,
    recovery_verifying_key: Hex,
    /// Generation, number of records, number of slots.
    vault: Option<(u32, u64, usize)>,
    closed: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedEntry {
    what: String,
    signing_seed: Hex,
    possession_seed: Option<Hex>,
    possession_bytes: Option<Hex>,
    signed_bytes: Hex,
    entry: Hex,
    hash: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Genesis {
    signing_seed: Hex,
    signing_key: Hex,
    identity_key: Hex,
    recovery_key: Hex,
    recovery_signing_seed: Hex,
    recovery_verifying_key: Hex,
    time: u64,
    signed_bytes: Hex,
    signature: Hex,
    entry: Hex,
    account: Hex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedChain {
    why: String,
    account: Hex,
    entries: Vec<Hex>,
    reason: String,
}

pub(crate) fn generate() -> Result<String, Refusal> {
    let mut rng = Fixed::new("sigchain");
    let example: [u8; 32] = conclave_crypto::IdentityKey::from_bytes(&[8; 32])
        .public()
        .to_bytes();
    let mut genesis_entries = vec![make([7; 32], example, [9; 32], 1_800_000_000_000)?];
    for time in [0, 1, 1_799_999_999_999, u64::MAX] {
        genesis_entries.push(make(rng.array(), rng.array(), rng.array(), time)?);
    }
    let chains = crate::sigchain_stories::all(&genesis_entries[0].entry.0)?;
    let chains = chains.into_iter().map(whole).collect::<Result<_, _>>()?;
    let refused_chains = refusals(&genesis_entries[0])?;
    Ok(file(
        NAME,
        ABOUT,
        Chains {
            genesis_entries,
            chains,
            refused_chains,
        },
    ))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: Chains = read(NAME, json)?;
    let mut counts = Counts::default();
    for vector in &vectors.genesis_entries {
        let again = make(
            vector.signing_seed.array()?,
            vector.identity_key.array()?,
            vector.recovery_key.array()?,
            vector.time,
        )?;
        same(
            "the signed bytes",
            again.signed_bytes,
            vector.signed_bytes.clone(),
        )?;
        same("the entry", again.entry, vector.entry.clone())?;
        same("the account", again.account, vector.account.clone())?;
        same(
            "the recovery seed",
            again.recovery_signing_seed,
            vector.recovery_signing_seed.clone(),
        )?;
        same(
            "the recovery key",
            again.recovery_verifying_key,
            vector.recovery_verifying_key.clone(),
        )?;
        same("the signing key", again.signing_key, vector.signing_key.clone())?;
        same("the signature", again.signature, vector.signature.clone())?;
        let account = AccountId(vector.account.array()?);
        AccountChain::verify(account, [vector.entry.0.as_slice()]).context("a genesis entry")?;
    }
    counts.add("account chain, genesis", vectors.genesis_entries.len());
    for vector in &vectors.chains {
        check_whole(vector).context(&vector.about)?;
        counts.add("account chain, entries", vector.entries.len());
    }
    for vector in &vectors.refused_chains {
        refused(verify(vector)?, &vector.reason).context(&vector.why)?;
    }
    counts.add("account chain refused", vectors.refused_chains.len());
    Ok(counts)
}

fn make(signing: [u8; 32], identity: [u8; 32], recovery: [u8; 32], time: u64) -> Result<Genesis, Refusal> {
    let key = SigningKey::from_bytes(&signing);
    let recovery_signing = RecoveryKey::from_bytes(&recovery).signing_key();
    let keys = DeviceKeys {
        signing: key.public().to_bytes(),
        identity,
    };
    let verifying = recovery_signing.public().to_bytes();
    let entry = signed(AccountEntry::genesis(keys, verifying, Timestamp(time)), &key);
    let chain = AccountChain::begin(&entry).context("a genesis entry")?;
    Ok(Genesis {
        signing_seed: signing.into(),
        signing_key: keys.signing.into(),
        identity_key: identity.into(),
        recovery_key: recovery.into(),
        recovery_signing_seed: recovery_signing.to_bytes().as_slice().into(),
        recovery_verifying_key: verifying.into(),
        time,
        signed_bytes: entry.signed_bytes().into(),
        signature: entry.signature.into(),
        entry: entry.to_bytes().into(),
        account: chain.account().0.into(),
    })
}

fn whole(story: Story) -> Result<WholeChain, Refusal> {
    let chain = &story.chain;
    Ok(WholeChain {
        about: story.about.into(),
        account: chain.account().0.into(),
        head: chain.head(),
        head_hash: chain.head_hash().0.into(),
        active_devices: chain.devices().map(|(id, _)| id.0).collect(),
        recovery_verifying_key: (*chain.recovery()).into(),
        vault: chain
            .vault()
            .map(|vault| (vault.generation, vault.records, vault.slots.len())),
        closed: chain.is_closed(),
        entries: story
            .steps
            .iter()
            .map(|step| SignedEntry {
                what: step.what.into(),
                signing_seed: step.seed.into(),
                possession_seed: step.possession.as_ref().map(|(seed, _)| (*seed).into()),
                possession_bytes: step.possession.as_ref().map(|(_, bytes)| bytes.clone().into()),
                signed_bytes: step.entry.signed_bytes().into(),
                entry: step.entry.to_bytes().into(),
                hash: step.entry.hash().0.into(),
            })
            .collect(),
    })
}

/// Signs everything again and asks the chain of these bytes for its state.
fn check_whole(vector: &WholeChain) -> Result<(), Refusal> {
    let account = AccountId(vector.account.array()?);
    for step in &vector.entries {
        let mut entry = AccountEntry::from_bytes(&step.entry.0).context(&step.what)?;
        same(
            "the signed bytes",
            Hex(entry.signed_bytes()),
            step.signed_bytes.clone(),
        )?;
        same("the hash", Hex::from(entry.hash().0), step.hash.clone())?;
        if let (Some(seed), Some(bytes)) = (&step.possession_seed, &step.possession_bytes) {
            let again = SigningKey::from_bytes(&seed.array()?).sign(&bytes.0);
            let (statement, possession) = possession(account, &mut entry.body).context(&step.what)?;
            same("what a new key signs", Hex(statement), bytes.clone())?;
            same("a new key's signature", Hex::from(*possession), again.into())?;
        }
        let again = signed(entry, &SigningKey::from_bytes(&step.signing_seed.array()?));
        same("the entry", Hex(again.to_bytes()), step.entry.clone())?;
    }
    let entries = vector.entries.iter().map(|step| step.entry.0.as_slice());
    let chain = AccountChain::verify(account, entries).context("the chain")?;
    same("the head", chain.head(), vector.head)?;
    same(
        "the head's hash",
        Hex::from(chain.head_hash().0),
        vector.head_hash.clone(),
    )?;
    let active: Vec<u32> = chain.devices().map(|(id, _)| id.0).collect();
    same("the active devices", active, vector.active_devices.clone())?;
    let recovery = Hex::from(*chain.recovery());
    same(
        "the recovery key",
        recovery,
        vector.recovery_verifying_key.clone(),
    )?;
    let vault = chain.vault();
    let vault = vault.map(|vault| (vault.generation, vault.records, vault.slots.len()));
    same("the vault", vault, vector.vault)?;
    same("whether it ended", chain.is_closed(), vector.closed)
}

/// What the new key of a body signs, and its signature.
fn possession(account: AccountId, body: &mut AccountBody) -> Result<(Vec<u8>, &mut [u8; 64]), Refusal> {
    match body {
        AccountBody::AddDevice { keys, possession } => Ok((keys.possession_bytes(account), possession)),
        AccountBody::RotateRecovery {
            recovery, possession, ..
        } => Ok((recovery_possession_bytes(account, recovery), possession)),
        _ => Err(Refusal::new("the body has no new key")),
    }
}

fn signed(mut entry: AccountEntry, key: &SigningKey) -> AccountEntry {
    entry.signature = key.sign(&entry.signed_bytes());
    entry
}

fn verify(vector: &RefusedChain) -> Result<Result<(), String>, Refusal> {
    let account = AccountId(vector.account.array()?);
    let entries = vector.entries.iter().map(|entry| entry.0.as_slice());
    Ok(AccountChain::verify(account, entries)
        .map(|_| ())
        .map_err(|error| error.to_string()))
}

/// A fault and how it is made.
type Change = (&'static str, fn(&mut AccountEntry));

/// What can be wrong with a chain, and what each rule says to it.
fn refusals(genesis: &Genesis) -> Result<Vec<RefusedChain>, Refusal> {
    let key = SigningKey::from_bytes(&genesis.signing_seed.array()?);
    let entry = AccountEntry::from_bytes(&genesis.entry.0).context("the genesis entry")?;
    let account: [u8; 32] = genesis.account.array()?;
    let bytes = &genesis.entry.0;
    let mut found = Vec::new();
    let mut offer = |why: &str, entries: Vec<Vec<u8>>, account: [u8; 32]| -> Result<(), Refusal> {
        let mut vector = RefusedChain {
            why: why.into(),
            account: account.into(),
            entries: entries.into_iter().map(Hex).collect(),
            reason: String::new(),
        };
        vector.reason = verify(&vector)?.expect_err("each of these chains is refused");
        found.push(vector);
        Ok(())
    };
    let own_id = |entry: &AccountEntry| entry.hash().0;

    offer("no entry", Vec::new(), account)?;
    offer("the chain of another account", vec![bytes.clone()], [5; 32])?;
    for position in [0, 5, 23, 26, 27, 53, 54, 60, 65, 70, 80, 88, 130, 160, 170, 232] {
        let mut altered = bytes.clone();
        altered[position] ^= 1;
        // Under the id that it has now, so that the other rules have to find it.
        let id = conclave_encoding::hash(labels::ENTRY_HASH, &altered);
        offer(&format!("byte {position} altered"), vec![altered], id)?;
    }
    offer("a byte too few", vec![bytes[..bytes.len() - 1].to_vec()], account)?;
    offer("a byte too many", vec![[&bytes[..], &[0]].concat()], account)?;
    let stranger = signed(entry.clone(), &SigningKey::from_bytes(&[0x55; 32]));
    offer(
        "signed by another key",
        vec![stranger.to_bytes()],
        own_id(&stranger),
    )?;

    let bodies: [(&str, [u8; 32], [u8; 32]); 4] = [
        (
            "an identity key of zeros",
            [0; 32],
            genesis.recovery_verifying_key.array()?,
        ),
        ("a recovery key of zeros", genesis.identity_key.array()?, [0; 32]),
        (
            "a recovery key of small order",
            genesis.identity_key.array()?,
            one(),
        ),
        (
            "a recovery key that is no point",
            genesis.identity_key.array()?,
            [2; 32],
        ),
    ];
    for (why, identity, recovery) in bodies {
        let keys = DeviceKeys {
            signing: genesis.signing_key.array()?,
            identity,
        };
        let weak = signed(
            AccountEntry::genesis(keys, recovery, Timestamp(genesis.time)),
            &key,
        );
        offer(why, vec![weak.to_bytes()], own_id(&weak))?;
    }
    let begins: [Change; 4] = [
        ("a genesis that names an account", |entry| {
            entry.account = Some(AccountId([1; 32]));
        }),
        ("a genesis that names a previous entry", |entry| {
            entry.previous = Some(Hash([1; 32]));
        }),
        ("a genesis with another sequence", |entry| entry.sequence = 1),
        ("a genesis by another device", |entry| {
            entry.author = Author::Device(DeviceId(1));
        }),
    ];
    for (why, change) in begins {
        let mut odd = entry.clone();
        change(&mut odd);
        let odd = signed(odd, &key);
        offer(why, vec![odd.to_bytes()], own_id(&odd))?;
    }
    let seconds: [Change; 7] = [
        ("a second genesis", |_| ()),
        ("a second genesis that names no account", |entry| {
            entry.account = None;
        }),
        ("an entry of another account", |entry| {
            entry.account = Some(AccountId([1; 32]));
        }),
        ("a gap", |entry| entry.sequence = 2),
        ("a fork", |entry| entry.previous = Some(Hash([1; 32]))),
        ("time that goes back", |entry| entry.time = Timestamp(1)),
        ("an author who is no device", |entry| {
            entry.author = Author::Device(DeviceId(9));
        }),
    ];
    for (why, change) in seconds {
        let mut second = AccountEntry {
            account: Some(AccountId(account)),
            sequence: 1,
            previous: Some(Hash(account)),
            ..entry.clone()
        };
        change(&mut second);
        let second = signed(second, &key);
        offer(why, vec![bytes.clone(), second.to_bytes()], account)?;
    }
    let mut unknown = entry.signed_bytes();
    let kind = unknown.len() - 97;
    unknown[kind] = 200;
    let signature = key.sign(&unknown);
    let unknown = Writer::new(labels::ENTRY_HASH)
        .bytes(&unknown)
        .fixed(&signature)
        .finish();
    offer("an unknown kind", vec![unknown], account)?;
    for (why, entries) in crate::sigchain_stories::refused(bytes)? {
        offer(why, entries, account)?;
    }
    Ok(found)
}

/// The neutral element of Ed25519.
fn one() -> [u8; 32] {
    let mut one = [0; 32];
    one[0] = 1;
    one
}
