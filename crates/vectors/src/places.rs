//! `places.json`: chains of groups and communities, the states that they lead to, and what is refused.

use conclave_crypto::SigningKey;
use conclave_protocol::{PlaceId, RoomId};
use conclave_sigchain::room::{RoomBody, RoomChain, RoomEntry, RoomState, join_proof_bytes};
use serde::{Deserialize, Serialize};

use crate::file::{Counts, file, read};
use crate::places_stories::{Step, Story};
use crate::refusal::{Context, refused, same};
use crate::{Hex, Refusal};

pub(crate) const NAME: &str = "places.json";

const ABOUT: &[&str] = &[
    "Whole chains, entry by entry: who signs each and, for `join` and `request`, the link's bytes, the invite's seed that follows from them, and the proof.",
    "Behind each chain the state that it leads to, in the bytes that a checkpoint hashes, and what follows from it: members, and each room with its epoch and readers.",
    "A refused chain is what somebody offers as the chain of `place`; its last entry is refused. A refused state is none.",
];

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Places {
    chains: Vec<WholeChain>,
    refused_chains: Vec<RefusedChain>,
    refused_states: Vec<RefusedState>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeChain {
    about: String,
    place: Hex,
    entries: Vec<SignedEntry>,
    head: u32,
    head_hash: Hex,
    state: Hex,
    state_hash: Hex,
    owner: Hex,
    members: Vec<Hex>,
    place_epoch: u32,
    rooms: Vec<Room>,
    closed: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedEntry {
    what: String,
    kind: u8,
    signing_seed: Hex,
    proof: Option<Proof>,
    signed_bytes: Hex,
    entry: Hex,
    hash: Hex,
    /// Of the state behind it.
    state_hash: Hex,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    link: Hex,
    invite_seed: Hex,
    proof_bytes: Hex,
    proof: Hex,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Room {
    /// Number of the channel; none for the room of a group.
    channel: Option<u32>,
    room: Hex,
    epoch: u32,
    readers: Vec<Hex>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedChain {
    why: String,
    place: Hex,
    entries: Vec<Hex>,
    reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedState {
    why: String,
    state: Hex,
    reason: String,
}

pub(crate) fn generate() -> Result<String, Refusal> {
    let stories = crate::places_stories::all()?;
    let refused_states = states(&stories[0])?;
    let refused_chains = crate::places_stories::refused()?
        .into_iter()
        .map(|(why, place, entries)| {
            let mut vector = RefusedChain {
                why: why.into(),
                place: place.into(),
                entries: entries.into_iter().map(Hex).collect(),
                reason: String::new(),
            };
            vector.reason = verify(&vector)?.expect_err("each of these chains is refused");
            Ok(vector)
        })
        .collect::<Result<_, Refusal>>()?;
    let chains = stories.into_iter().map(whole).collect::<Result<_, _>>()?;
    Ok(file(
        NAME,
        ABOUT,
        Places {
            chains,
            refused_chains,
            refused_states,
        },
    ))
}

pub(crate) fn check(json: &str) -> Result<Counts, Refusal> {
    let vectors: Places = read(NAME, json)?;
    let mut counts = Counts::default();
    for vector in &vectors.chains {
        check_whole(vector).context(&vector.about)?;
        counts.add("place chain, entries", vector.entries.len());
        counts.add("place chain, states", 1);
    }
    for vector in &vectors.refused_chains {
        refused(verify(vector)?, &vector.reason).context(&vector.why)?;
    }
    counts.add("place chain refused", vectors.refused_chains.len());
    for vector in &vectors.refused_states {
        refused(RoomState::from_bytes(&vector.state.0), &vector.reason).context(&vector.why)?;
    }
    counts.add("place state refused", vectors.refused_states.len());
    Ok(counts)
}

fn whole(story: Story) -> Result<WholeChain, Refusal> {
    let chain = &story.chain;
    let state = chain.state();
    Ok(WholeChain {
        about: story.about.into(),
        place: chain.place().0.into(),
        entries: story.steps.iter().map(step).collect::<Result<_, _>>()?,
        head: chain.head(),
        head_hash: chain.head_hash().0.into(),
        state: state.to_bytes().into(),
        state_hash: state.hash().0.into(),
        owner: state.owner().0.into(),
        members: state.members().map(|(account, _)| account.0.into()).collect(),
        place_epoch: state.place_epoch(),
        rooms: rooms(state)?,
        closed: state.is_closed(),
    })
}

fn step(step: &Step) -> Result<SignedEntry, Refusal> {
    let proof = match &step.link {
        None => None,
        Some(link) => Some(proof(&step.entry, *link)?),
    };
    Ok(SignedEntry {
        what: step.what.into(),
        kind: kind_of(&step.entry),
        signing_seed: step.seed.into(),
        proof,
        signed_bytes: step.entry.signed_bytes().into(),
        entry: step.entry.to_bytes().into(),
        hash: step.entry.hash().0.into(),
        state_hash: step.state.0.into(),
    })
}

/// What stands behind the proof of a `join` or `request`, made again from the link's bytes.
fn proof(entry: &RoomEntry, link: [u8; 16]) -> Result<Proof, Refusal> {
    let (RoomBody::Join { invite, proof } | RoomBody::Request { invite, proof }, Some(place)) =
        (&entry.body, entry.place)
    else {
        return Err(Refusal::new("the entry needs no proof"));
    };
    let bytes = join_proof_bytes(place, *invite, entry.author.account, entry.author.head);
    Ok(Proof {
        link: link.as_slice().into(),
        invite_seed: crate::places_stories::invite_seed(link).into(),
        proof_bytes: bytes.into(),
        proof: (*proof).into(),
    })
}

/// The number of an entry's kind, where it stands in the signed bytes.
fn kind_of(entry: &RoomEntry) -> u8 {
    let before = if entry.place.is_some() { 64 } else { 0 };
    // Label, version, two presence bytes, sequence, account, device, head, key, time.
    let at = 1 + "conclave/v1/room-entry".len() + 1 + 1 + 4 + 1 + 32 + 4 + 36 + 32 + 8 + before;
    entry.signed_bytes()[at]
}

fn rooms(state: &RoomState) -> Result<Vec<Room>, Refusal> {
    state
        .rooms()
        .map(|room: RoomId| {
            Ok(Room {
                channel: state.channel_of(room).map(|channel| channel.0),
                room: room.0.into(),
                epoch: state
                    .epoch(room)
                    .ok_or_else(|| Refusal::new("a room without an epoch"))?,
                readers: state.readers(room).map(|account| account.0.into()).collect(),
            })
        })
        .collect()
}

/// Signs everything again, asks the chain of these bytes for its state, and reads the state from its own bytes.
fn check_whole(vector: &WholeChain) -> Result<(), Refusal> {
    let place = PlaceId(vector.place.array()?);
    for found in &vector.entries {
        check_entry(found).context(&found.what)?;
    }
    let entries = vector.entries.iter().map(|step| step.entry.0.as_slice());
    let chain = RoomChain::verify(place, entries).context("the chain")?;
    let mut grown: Option<RoomChain> = None;
    for found in &vector.entries {
        let entry = RoomEntry::from_bytes(&found.entry.0).context(&found.what)?;
        let state = match &mut grown {
            None => grown.insert(RoomChain::begin(&entry).context(&found.what)?.0),
            Some(chain) => {
                chain.append(&entry).context(&found.what)?;
                chain
            }
        };
        same(
            "the state's hash",
            Hex::from(state.state().hash().0),
            found.state_hash.clone(),
        )
        .context(&found.what)?;
    }
    let state = chain.state();
    same("the head", chain.head(), vector.head)?;
    let head = Hex::from(chain.head_hash().0);
    same("the head's hash", head, vector.head_hash.clone())?;
    same("the state", Hex(state.to_bytes()), vector.state.clone())?;
    same(
        "the state's hash",
        Hex::from(state.hash().0),
        vector.state_hash.clone(),
    )?;
    let read = RoomState::from_bytes(&vector.state.0).context("the state")?;
    same("the state from its bytes", &read, state)?;
    same("the owner", Hex::from(state.owner().0), vector.owner.clone())?;
    let members: Vec<Hex> = state.members().map(|(account, _)| account.0.into()).collect();
    same("the members", members, vector.members.clone())?;
    same("the place's epoch", state.place_epoch(), vector.place_epoch)?;
    same("the rooms", &rooms(state)?, &vector.rooms)?;
    same("whether it ended", state.is_closed(), vector.closed)
}

fn check_entry(vector: &SignedEntry) -> Result<(), Refusal> {
    let entry = RoomEntry::from_bytes(&vector.entry.0).context("the entry")?;
    let signed = entry.signed_bytes();
    same(
        "the signed bytes",
        Hex(signed.clone()),
        vector.signed_bytes.clone(),
    )?;
    same("the kind", kind_of(&entry), vector.kind)?;
    same("the hash", Hex::from(entry.hash().0), vector.hash.clone())?;
    let key = SigningKey::from_bytes(&vector.signing_seed.array()?);
    same("the author's key", entry.author.key, key.public().to_bytes())?;
    same("the signature", entry.signature, key.sign(&signed))?;
    let needs = matches!(entry.body, RoomBody::Join { .. } | RoomBody::Request { .. });
    same("a proof", vector.proof.is_some(), needs)?;
    if let Some(found) = &vector.proof {
        same("the proof", &proof(&entry, found.link.array()?)?, found)?;
        let key = SigningKey::from_bytes(&found.invite_seed.array()?);
        let again = key.sign(&found.proof_bytes.0);
        same("the proof", Hex::from(again), found.proof.clone())?;
    }
    Ok(())
}

fn verify(vector: &RefusedChain) -> Result<Result<(), String>, Refusal> {
    let place = PlaceId(vector.place.array()?);
    let entries = vector.entries.iter().map(|entry| entry.0.as_slice());
    Ok(RoomChain::verify(place, entries)
        .map(|_| ())
        .map_err(|error| error.to_string()))
}

/// Bytes that are no state: of another form, or another state than any chain leads to.
fn states(story: &Story) -> Result<Vec<RefusedState>, Refusal> {
    let bytes = story.chain.state().to_bytes();
    let mut found = Vec::new();
    let mut offer = |why: &str, state: Vec<u8>| -> Result<(), Refusal> {
        let Err(error) = RoomState::from_bytes(&state) else {
            return Err(Refusal::new(format!("{why} is accepted")));
        };
        found.push(RefusedState {
            why: why.into(),
            state: state.into(),
            reason: error.to_string(),
        });
        Ok(())
    };
    let label = 1 + "conclave/v1/room-state".len();
    let with = |at: usize, value: u8| {
        let mut altered = bytes.clone();
        altered[at] = value;
        altered
    };
    offer("another label", with(5, b'x'))?;
    offer("another version", with(label, 2))?;
    offer("another kind of place", with(label + 33, 2))?;
    offer("an owner who is no member", with(label + 1 + 32 + 1 + 44, 0xee))?;
    offer("a flag of 2", with(label + 1 + 32 + 1 + 44 + 36, 2))?;
    offer("a byte too few", bytes[..bytes.len() - 1].to_vec())?;
    offer("a byte too many", [&bytes[..], &[0]].concat())?;
    offer("nothing", Vec::new())?;
    Ok(found)
}
