"""places.json"""

from collections import Counter

from conclave.account import entry_hash, write_entry
from conclave.places import (
    channel_room,
    invite_seed,
    proof_bytes,
    read_entry,
    read_state,
    state_hash,
    verify_whole,
)
from conclave.primitives import ed25519_public, sign

from .common import Counts, Json, refusing, same, unhex


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for vector in vectors["chains"]:
        _whole(vector)
        counts["place chain, entries"] += len(vector["entries"])
        counts["place chain, states"] += 1
    for vector in vectors["refused_chains"]:
        entries = [unhex(entry) for entry in vector["entries"]]
        with refusing(vector["why"]):
            verify_whole(unhex(vector["place"]), entries)
        counts["place chain refused"] += 1
    for vector in vectors["refused_states"]:
        with refusing(vector["why"]):
            read_state(unhex(vector["state"]))
        counts["place state refused"] += 1
    return counts


def _entry(vector: Json) -> bytes:
    data, seed = unhex(vector["entry"]), unhex(vector["signing_seed"])
    entry, signed, signature = read_entry(data)
    same("the signed bytes", entry.signed_bytes(), signed)
    same("the signed bytes", signed, unhex(vector["signed_bytes"]))
    same("the kind", entry.kind, vector["kind"])
    same("the author's key", ed25519_public(seed), entry.key)
    same("the signature", sign(seed, signed), signature)
    same("the entry", write_entry(signed, signature), data)
    same("the hash", entry_hash(data), unhex(vector["hash"]))
    proof = vector["proof"]
    same("a proof", proof is not None, "proof" in entry.body)
    if proof is not None:
        invite = invite_seed(unhex(proof["link"]))
        same("the invite's seed", invite, unhex(proof["invite_seed"]))
        same("what the proof signs", proof_bytes(entry), unhex(proof["proof_bytes"]))
        same("the proof", sign(invite, proof_bytes(entry)), unhex(proof["proof"]))
        same("the proof", entry.body["proof"], unhex(proof["proof"]))
    return data


def _whole(vector: Json) -> None:
    place = unhex(vector["place"])
    entries = [_entry(step) for step in vector["entries"]]
    before = None
    for step, data in zip(vector["entries"], entries, strict=True):
        entry = read_entry(data)[0]
        if "state" in entry.body:
            same("what a checkpoint names", entry.body["state"], before)
        before = unhex(step["state_hash"])
    chain = verify_whole(place, entries)
    same("the head", chain.head, vector["head"])
    same("the head's hash", chain.head_hash, unhex(vector["head_hash"]))
    same("the owner", chain.owner, unhex(vector["owner"]))
    same("the members", sorted(chain.members), [unhex(member) for member in vector["members"]])
    same("whether it ended", chain.closed, vector["closed"])

    data = unhex(vector["state"])
    same("the state's hash", state_hash(data), unhex(vector["state_hash"]))
    same("the state's hash", state_hash(data), before)
    state = read_state(data)
    same("the place in the state", state.place, place)
    same("the head in the state", (state.sequence, state.head), (chain.head, chain.head_hash))
    same("the time in the state", state.time, chain.time)
    same("the owner in the state", state.owner, chain.owner)
    same("the members in the state", state.members, sorted(chain.members))
    same("the end in the state", state.closed, chain.closed)
    same("the epoch of the place", state.epoch, vector["place_epoch"])
    same("the channels", sorted(state.channels), sorted(chain.channels))
    for room in vector["rooms"]:
        channel = room["channel"]
        if channel is None:
            same("the room of a group", place, unhex(room["room"]))
            same("the epoch of a group", state.epoch, room["epoch"])
        else:
            same("the room of a channel", channel_room(place, channel), unhex(room["room"]))
            same("the epoch of a channel", state.channels[channel], room["epoch"])
    same("how many rooms", len(vector["rooms"]), len(state.channels) if state.kind else 1)
