"""handshake.json"""

import secrets
from collections import Counter

from conclave.handshake import initiate, respond
from conclave.prekeys import read_bundle
from conclave.session import Message, Session

from .common import (
    KINDS,
    Counts,
    Json,
    Upcoming,
    altered,
    bundle,
    device,
    prekeys,
    refusing,
    same,
    seal_again,
    unhex,
)


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for vector in vectors["handshakes"]:
        await _handshake(vector)
        counts["handshake"] += 1
    for refusal in vectors["refused_bundles"]:
        vector = vectors["handshakes"][refusal["handshake"]]
        owner = device(vector["responder"]).public
        data = altered(vector["bundle"], refusal["altered"])
        with refusing(f"a bundle altered at {refusal['altered']}"):
            read_bundle(data, owner)
        counts["handshake, altered bundle refused"] += 1
    for refusal in vectors["refused_first_messages"]:
        vector = vectors["handshakes"][refusal["handshake"]]
        data = altered(vector["first_message"]["message"], refusal["altered"])
        with refusing(f"a first message altered at {refusal['altered']}"):
            await _open_first(vector, data)
        counts["handshake, altered first message refused"] += 1
    return counts


async def _open_first(vector: Json, data: bytes) -> bytes:
    first = vector["first_message"]
    return await Session(lambda: secrets.token_bytes(32)).open(
        KINDS[first["purpose"]],
        unhex(first["bound"]),
        data,
        device(vector["responder"]),
        device(vector["initiator"]).public,
        prekeys(vector["prekeys"]),
    )


async def _handshake(vector: Json) -> None:
    initiator, responder = device(vector["initiator"]), device(vector["responder"])
    same("the bundle", bundle(vector), unhex(vector["bundle"]))
    claimed = read_bundle(unhex(vector["bundle"]), responder.public)
    ephemeral, randomness = unhex(vector["ephemeral_secret"]), unhex(vector["encapsulation_randomness"])

    agreement, header = initiate(initiator, claimed, ephemeral, randomness)
    same("the transcript", agreement.transcript, unhex(vector["transcript_hash"]))
    own_side = await respond(responder, initiator.public, prekeys(vector["prekeys"]), header)
    same("the root key by X3DH and by hand", own_side, agreement)
    first, answer = vector["first_message"], vector["answer"]
    same("the prekey header", Message.read(unhex(first["message"])).prekey_header, header)

    upcoming = Upcoming(), Upcoming()
    one, other = Session(upcoming[0]), Session(upcoming[1])
    one.begin(initiator, claimed, ephemeral, randomness)
    upcoming[0].add(unhex(first["ratchet_secret"]))
    await seal_again(first, one)
    upcoming[0].used()
    upcoming[1].add(unhex(answer["ratchet_secret"]))
    text = await other.open(
        KINDS[first["purpose"]],
        unhex(first["bound"]),
        unhex(first["message"]),
        responder,
        initiator.public,
        prekeys(vector["prekeys"]),
    )
    same("the first text", text, unhex(first["plaintext"]))
    await seal_again(answer, other)
    text = await one.open(
        KINDS[answer["purpose"]],
        unhex(answer["bound"]),
        unhex(answer["message"]),
        initiator,
        responder.public,
    )
    same("the answer's text", text, unhex(answer["plaintext"]))
