"""content.json"""

from collections import Counter

from conclave.content import (
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

from .common import Counts, Json, altered, maybe, refusing, same, unhex


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for vector in vectors["padded_lengths"]:
        same("a padded length", padded_length(vector["content"]), vector["padded"])
        counts["padding, length"] += 1
    for vector in vectors["paddings"]:
        same("a padded content", pad(unhex(vector["content"])), unhex(vector["padded"]))
        same("a content", unpad(unhex(vector["padded"])), unhex(vector["content"]))
        counts["padding"] += 1
    for vector in vectors["refused_paddings"]:
        with refusing(vector["why"]):
            unpad(unhex(vector["padded"]))
        counts["padding refused"] += 1
    for vector in vectors["contents"]:
        _content(vector)
        counts["content"] += 1
    for refusal in vectors["refused_contents"]:
        vector = vectors["contents"][refusal["content"]]
        data = altered(vector["sealed"], refusal["altered"])
        with refusing(f"a content altered at {refusal['altered']}"):
            open_content(unhex(vector["key"]), unhex(vector["associated_data"]), data)
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
