"""franking.json"""

from collections import Counter

from conclave.content import message_hash, seal_content
from conclave.reports import DIRECT, ROOM, judge_direct, judge_room, write_proof
from conclave.rooms import Statement

from .common import Counts, Json, device, refusing, same, unhex


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for report in vectors["direct"]:
        key, associated_data = unhex(report["key"]), unhex(report["associated_data"])
        sealed = seal_content(key, associated_data, unhex(report["content"]))
        same("the body", sealed, unhex(report["body"]))
        same("the tag", message_hash(sealed, associated_data), unhex(report["tag"]))
        same("the proof", write_proof(DIRECT, key), unhex(report["proof"]))
        same("the content", _judge_direct(report), unhex(report["content"]))
        counts["report of a direct message"] += 1
    for report in vectors["room"]:
        same("the proof", write_proof(ROOM, unhex(report["key"])), unhex(report["proof"]))
        same("the content", _judge_room(report), unhex(report["content"]))
        counts["report of a room message"] += 1
    for report in vectors["refused_direct"]:
        with refusing(report["reason"]):
            _judge_direct(report["report"])
        counts["report refused"] += 1
    for report in vectors["refused_room"]:
        with refusing(report["reason"]):
            _judge_room(report["report"])
        counts["report refused"] += 1
    return counts


def _judge_direct(report: Json) -> bytes:
    return judge_direct(
        unhex(report["proof"]), unhex(report["tag"]), unhex(report["body"]), unhex(report["associated_data"])
    )


def _judge_room(report: Json) -> bytes:
    statement = Statement.read(unhex(report["statement"]), device(report["author"]).public)
    return judge_room(
        unhex(report["proof"]),
        unhex(report["tag"]),
        unhex(report["body"]),
        unhex(report["associated_data"]),
        statement,
    )
