"""Recomputes the committed vectors: every value from the secrets, every refusal as a refusal."""

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from . import Refused
from .account import Device, OwnDevice, entry_hash, read_entry, recovery_signing_seed, verify_chain, write_entry
from .content import (
    Envelope,
    Head,
    direct_room,
    message_hash,
    open_content,
    pad,
    padded_length,
    seal_content,
    text_content,
    unpad,
)
from .handshake import initiate, respond
from .prekeys import PrekeySecrets, read_bundle, write_bundle
from .primitives import ed25519_public, sign, x25519_public
from .ratchet import CONTROL, MESSAGE_KEY
from .session import Message, Session

Json = dict[str, Any]
Counts = Counter[str]

KINDS = {"message-key": MESSAGE_KEY, "control": CONTROL}


def same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise AssertionError(f"{what} differs:\n  found    {_shown(found)}\n  expected {_shown(expected)}")


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)


async def refused(what: str, attempt: Callable[[], Awaitable[object]]) -> None:
    try:
        await attempt()
    except Refused:
        return
    raise AssertionError(f"{what} is accepted and must be refused")


def refused_now(what: str, attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except Refused:
        return
    raise AssertionError(f"{what} is accepted and must be refused")


def unhex(value: str) -> bytes:
    return bytes.fromhex(value)


def maybe(value: str | None) -> bytes | None:
    return None if value is None else unhex(value)


def altered(value: str, alteration: Json) -> bytes:
    data = bytearray(unhex(value))
    data[alteration["position"]] ^= alteration["xor"]
    return bytes(data)


def device(vector: Json) -> OwnDevice:
    """A device from its secrets; the public keys in the vector must belong to them."""
    own = OwnDevice(
        Device(
            unhex(vector["account"]),
            vector["device"],
            unhex(vector["entry_hash"]),
            ed25519_public(unhex(vector["signing_seed"])),
            x25519_public(unhex(vector["identity_secret"])),
        ),
        unhex(vector["signing_seed"]),
        unhex(vector["identity_secret"]),
    )
    same("the signing key", own.public.signing_key, unhex(vector["signing_key"]))
    same("the identity key", own.public.identity_key, unhex(vector["identity_key"]))
    return own


def prekeys(vector: Json) -> PrekeySecrets:
    return PrekeySecrets(
        vector["signed_prekey_id"],
        unhex(vector["signed_prekey_secret"]),
        vector["prekey_id"],
        maybe(vector["one_time_secret"]),
        unhex(vector["kem_seed"]),
    )


class Upcoming:
    """The ratchet secrets of one side, in the order in which it uses them.

    The package makes the next pair as soon as it receives a turn, the vectors' side when it sends: so the next secret
    may be asked for many times until a message is sealed with it.
    """

    def __init__(self) -> None:
        self._secret: list[bytes] = []
        self._next = 0

    def add(self, secret: bytes) -> None:
        self._secret.append(secret)

    def used(self) -> None:
        self._next += 1

    def __call__(self) -> bytes:
        if self._next < len(self._secret):
            return self._secret[self._next]
        return secrets.token_bytes(32)


# handshake.json


async def handshake(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for vector in vectors["handshakes"]:
        await _handshake(vector)
        counts["handshake"] += 1
    for refusal in vectors["refused_bundles"]:
        vector = vectors["handshakes"][refusal["handshake"]]
        owner = device(vector["responder"]).public
        data = altered(vector["bundle"], refusal["altered"])
        refused_now(f"a bundle altered at {refusal['altered']}", lambda: read_bundle(data, owner))
        counts["handshake, altered bundle refused"] += 1
    for refusal in vectors["refused_first_messages"]:
        vector = vectors["handshakes"][refusal["handshake"]]
        data = altered(vector["first_message"]["message"], refusal["altered"])
        await refused(
            f"a first message altered at {refusal['altered']}", lambda: _open_first(vector, data)
        )
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


def _bundle(vector: Json) -> bytes:
    return write_bundle(
        device(vector["responder"]),
        prekeys(vector["prekeys"]),
        vector["prekeys"]["created"],
        vector["prekeys"]["expires"],
    )


async def _handshake(vector: Json) -> None:
    initiator, responder = device(vector["initiator"]), device(vector["responder"])
    same("the bundle", _bundle(vector), unhex(vector["bundle"]))
    bundle = read_bundle(unhex(vector["bundle"]), responder.public)
    ephemeral, randomness = unhex(vector["ephemeral_secret"]), unhex(vector["encapsulation_randomness"])

    agreement, header = initiate(initiator, bundle, ephemeral, randomness)
    same("the transcript", agreement.transcript, unhex(vector["transcript_hash"]))
    own_side = await respond(responder, initiator.public, prekeys(vector["prekeys"]), header)
    same("the root key by X3DH and by hand", own_side, agreement)
    first, answer = vector["first_message"], vector["answer"]
    same("the prekey header", Message.read(unhex(first["message"])).prekey_header, header)

    upcoming = Upcoming(), Upcoming()
    one, other = Session(upcoming[0]), Session(upcoming[1])
    one.begin(initiator, bundle, ephemeral, randomness)
    await _seal(first, one, upcoming[0])
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
    same("the answer", await _sealed(answer, other), unhex(answer["message"]))
    text = await one.open(
        KINDS[answer["purpose"]], unhex(answer["bound"]), unhex(answer["message"]), initiator, responder.public
    )
    same("the answer's text", text, unhex(answer["plaintext"]))


async def _sealed(vector: Json, session: Session) -> bytes:
    return await session.seal(
        KINDS[vector["purpose"]], unhex(vector["bound"]), unhex(vector["plaintext"]), unhex(vector["random"])
    )


async def _seal(vector: Json, session: Session, upcoming: Upcoming) -> None:
    """Seals what a vector says and compares."""
    if vector["ratchet_secret"] is not None:
        upcoming.add(unhex(vector["ratchet_secret"]))
    same("the message", await _sealed(vector, session), unhex(vector["message"]))
    if vector["ratchet_secret"] is not None:
        upcoming.used()


# ratchet.json


async def ratchet(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for conversation in vectors["conversations"]:
        await _conversation(conversation, counts)
        counts["ratchet, conversation"] += 1
    return counts


async def _conversation(vector: Json, counts: Counts) -> None:
    sides = {name: device(vector[name]) for name in ("initiator", "responder")}
    other = {"initiator": "responder", "responder": "initiator"}
    upcoming = {name: Upcoming() for name in sides}
    sessions = {name: Session(upcoming[name]) for name in sides}
    same("the bundle", _bundle(vector), unhex(vector["bundle"]))
    sessions["initiator"].begin(
        sides["initiator"],
        read_bundle(unhex(vector["bundle"]), sides["responder"].public),
        unhex(vector["ephemeral_secret"]),
        unhex(vector["encapsulation_randomness"]),
    )
    for step in vector["steps"]:
        if step["step"] == "seal" and step["sealed"]["ratchet_secret"] is not None:
            upcoming[step["by"]].add(unhex(step["sealed"]["ratchet_secret"]))

    sealed: list[Json] = []
    opened: set[int] = set()

    async def open_step(step: Json) -> bytes:
        by, message = step["by"], sealed[step["number"]]
        return await sessions[by].open(
            KINDS[message["purpose"]],
            unhex(message["bound"]),
            unhex(message["message"]),
            sides[by],
            sides[other[by]].public,
            prekeys(vector["prekeys"]) if by == "responder" else None,
        )

    for step in vector["steps"]:
        match step["step"]:
            case "seal":
                message, by = step["sealed"], step["by"]
                same("the number", step["number"], len(sealed))
                same("a message", await _sealed(message, sessions[by]), unhex(message["message"]))
                if message["ratchet_secret"] is not None:
                    upcoming[by].used()
                sealed.append(message)
                counts["ratchet, message sealed"] += 1
            case "open":
                same("a text", await open_step(step), unhex(sealed[step["number"]]["plaintext"]))
                opened.add(step["number"])
                counts["ratchet, message opened"] += 1
            case "refuse":
                await refused("a repeated message", lambda: open_step(step))
                counts["ratchet, repetition refused"] += 1
            case unknown:
                raise AssertionError(f"an unknown step {unknown}")
    same("what was lost", sorted(set(range(len(sealed))) - opened), sorted(vector["lost"]))
    counts["ratchet, message lost"] += len(vector["lost"])


# content.json


async def content(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for vector in vectors["padded_lengths"]:
        same("a padded length", padded_length(vector["content"]), vector["padded"])
        counts["padding, length"] += 1
    for vector in vectors["paddings"]:
        same("a padded content", pad(unhex(vector["content"])), unhex(vector["padded"]))
        same("a content", unpad(unhex(vector["padded"])), unhex(vector["content"]))
        counts["padding"] += 1
    for vector in vectors["refused_paddings"]:
        refused_now(vector["why"], lambda: unpad(unhex(vector["padded"])))
        counts["padding refused"] += 1
    for vector in vectors["contents"]:
        _content(vector)
        counts["content"] += 1
    for refusal in vectors["refused_contents"]:
        vector = vectors["contents"][refusal["content"]]
        data = altered(vector["sealed"], refusal["altered"])
        refused_now(
            f"a content altered at {refusal['altered']}",
            lambda: open_content(unhex(vector["key"]), unhex(vector["associated_data"]), data),
        )
        counts["content, altered refused"] += 1
    for vector in vectors["direct_messages"]:
        _direct_message(vector)
        counts["direct message"] += 1
    return counts


def _content(vector: Json) -> None:
    key, associated_data = unhex(vector["key"]), unhex(vector["associated_data"])
    sealed = unhex(vector["sealed"])
    same("a sealed content", seal_content(key, associated_data, unhex(vector["content"])), sealed)
    same("a message hash", message_hash(sealed, associated_data), unhex(vector["message_hash"]))
    same("a content", open_content(key, associated_data, sealed), unhex(vector["content"]))


def _direct_message(vector: Json) -> None:
    low, high = vector["low"], vector["high"]
    room = direct_room(unhex(high["account"]), unhex(low["account"]))
    same("the room", room, unhex(vector["room"]))
    envelope = Envelope(
        room,
        Head(low["sequence"], unhex(low["hash"])),
        Head(high["sequence"], unhex(high["hash"])),
        unhex(vector["sender"]["account"]),
        vector["sender"]["device"],
        unhex(vector["envelope"]),
        vector["class"],
        maybe(vector["target"]),
    )
    same("the associated data", envelope.associated_data(), unhex(vector["associated_data"]))
    text = text_content(vector["counter"], unhex(vector["previous"]), vector["text"])
    same("the content", text, unhex(vector["content"]))
    _content(vector)
    same("what travels", unhex(vector["key"]) + unhex(vector["message_hash"]), unhex(vector["carried"]))
    receiver = vector["receiver"]
    same("its place", envelope.bound(unhex(receiver["account"]), receiver["device"]), unhex(vector["bound"]))


# sigchain.json


async def sigchain(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for vector in vectors["genesis_entries"]:
        _genesis(vector)
        counts["account chain, genesis"] += 1
    for vector in vectors["refused_chains"]:
        entries = [unhex(entry) for entry in vector["entries"]]
        refused_now(vector["why"], lambda: verify_chain(unhex(vector["account"]), entries))
        counts["account chain refused"] += 1
    return counts


def _genesis(vector: Json) -> None:
    seed, entry = unhex(vector["signing_seed"]), unhex(vector["entry"])
    genesis, signed, signature = read_entry(entry)
    same("the signed bytes", genesis.signed_bytes(), signed)
    same("the signed bytes", signed, unhex(vector["signed_bytes"]))
    same("the signature", sign(seed, signed), signature)
    same("the entry", write_entry(signed, signature), entry)
    same("the time", genesis.time, vector["time"])
    same("the signing key", ed25519_public(seed), genesis.signing_key)
    same("the signing key", genesis.signing_key, unhex(vector["signing_key"]))
    same("the identity key", genesis.identity_key, unhex(vector["identity_key"]))
    recovery_seed = recovery_signing_seed(unhex(vector["recovery_key"]))
    same("the recovery seed", recovery_seed, unhex(vector["recovery_signing_seed"]))
    same("the recovery key", ed25519_public(recovery_seed), genesis.recovery_key)
    same("the account", entry_hash(entry), unhex(vector["account"]))
    same("the device", verify_chain(unhex(vector["account"]), [entry]).signing_key, genesis.signing_key)


FILES: dict[str, Callable[[Json], Awaitable[Counts]]] = {
    "handshake.json": handshake,
    "ratchet.json": ratchet,
    "content.json": content,
    "sigchain.json": sigchain,
}
