"""ratchet.json"""

from collections import Counter

from conclave.prekeys import read_bundle
from conclave.session import Session

from .common import (
    KINDS,
    Counts,
    Json,
    Upcoming,
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
    for conversation in vectors["conversations"]:
        await _conversation(conversation, counts)
        counts["ratchet, conversation"] += 1
    return counts


async def _conversation(vector: Json, counts: Counts) -> None:
    sides = {name: device(vector[name]) for name in ("initiator", "responder")}
    other = {"initiator": "responder", "responder": "initiator"}
    upcoming = {name: Upcoming() for name in sides}
    sessions = {name: Session(upcoming[name]) for name in sides}
    same("the bundle", bundle(vector), unhex(vector["bundle"]))
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
                await seal_again(message, sessions[by])
                if message["ratchet_secret"] is not None:
                    upcoming[by].used()
                sealed.append(message)
                counts["ratchet, message sealed"] += 1
            case "open":
                same("a text", await open_step(step), unhex(sealed[step["number"]]["plaintext"]))
                opened.add(step["number"])
                counts["ratchet, message opened"] += 1
            case "refuse":
                with refusing("a repeated message"):
                    await open_step(step)
                counts["ratchet, repetition refused"] += 1
            case unknown:
                raise AssertionError(f"an unknown step {unknown}")
    same("what was lost", sorted(set(range(len(sealed))) - opened), sorted(vector["lost"]))
    counts["ratchet, message lost"] += len(vector["lost"])
