"""What is stored or compared rather than sent: files, the vault, safety numbers, reports."""

import random
import secrets
from collections import Counter

from conclave.attachments import Reference, open_file, seal_file
from conclave.content import message_hash, seal_content
from conclave.reports import DIRECT, write_proof
from conclave.safety import check_code, safety_code, safety_number
from conclave.vault import Log, open_record, read_slot, record_name, unwrap_key, wrap_key, write_slot
from recompute.common import Counts, refusing, same

from .meeting import Meeting, meet, now
from .program import Program

LENGTHS = [0, 1, 4_095, 4_096, 16_383, 16_384, 16_385, 40_000, 200_000]
RECORDS = [0, 1, 63, 64, 5_000]
PAIRS = 6


async def check(program: Program, chance: random.Random) -> Counts:
    counts: Counts = Counter()
    for number in range(PAIRS):
        meeting = meet(program, 2_000 + number)
        _files(meeting, LENGTHS if number == 0 else [chance.randrange(100_000)], counts)
        _vault(meeting, counts)
        _safety(meeting, counts)
        _report(meeting, counts)
    return counts


def _files(meeting: Meeting, lengths: list[int], counts: Counts) -> None:
    ask = meeting.correspondent.ask
    for length in lengths:
        file = secrets.token_bytes(length)
        reference, sealed = seal_file(file)
        answer = ask("open-file", reference=reference.to_bytes(), sealed=sealed)
        same("the file", answer["file"], file)
        damaged = bytearray(sealed)
        damaged[secrets.randbelow(len(sealed))] ^= 1
        with refusing("a damaged file"):
            ask("open-file", reference=reference.to_bytes(), sealed=bytes(damaged))
        counts["exchange, file opened by theirs"] += 1

        answer = ask("seal-file", file=file)
        reference = Reference.read(answer["reference"])
        same("the file", open_file(reference, answer["sealed"]), file)
        with refusing("a file that was cut"):
            open_file(reference, answer["sealed"][:-1])
        counts["exchange, file opened by ours"] += 1


def _vault(meeting: Meeting, counts: Counts) -> None:
    own, other, ask = meeting.own, meeting.other, meeting.correspondent.ask
    recovery_key, vault_key = secrets.token_bytes(32), secrets.token_bytes(32)
    slot = write_slot(own, 0, recovery_key, now())
    wrapped = wrap_key(own, 0, vault_key, read_slot(slot, own.public))
    answer = ask("unwrap", slot=slot, wrapped_key=wrapped, recovery_key=recovery_key)
    same("the vault key", answer["vault_key"], vault_key)
    with refusing("another recovery key"):
        ask("unwrap", slot=slot, wrapped_key=wrapped, recovery_key=secrets.token_bytes(32))
    counts["exchange, wrapped key opened by theirs"] += 1
    name = record_name(vault_key, b"settings")
    for length in RECORDS:
        content = secrets.token_bytes(length)
        record = Log(own.public.account).seal(0, vault_key, name, content)
        answer = ask("open-record", vault_key=vault_key, name="settings", record=record)
        same("the content", answer["content"], content)
        with refusing("another name"):
            ask("open-record", vault_key=vault_key, name="drafts", record=record)
        counts["exchange, record opened by theirs"] += 1

    answer = ask("wrap", recovery_key=recovery_key)
    their_slot = read_slot(answer["slot"], other)
    generation, their_key = unwrap_key(answer["wrapped_key"], other, their_slot, recovery_key)
    same("the vault key", (generation, their_key), (0, answer["vault_key"]))
    counts["exchange, wrapped key opened by ours"] += 1
    log = Log(other.account)
    for length in RECORDS:
        content = secrets.token_bytes(length)
        record = ask("seal-record", name=f"seeds/{length}", content=content)["record"]
        log.append(record)
        name = record_name(their_key, f"seeds/{length}".encode())
        same("the content", open_record(record, other.account, 0, their_key, name), content)
        counts["exchange, record opened by ours"] += 1


def _safety(meeting: Meeting, counts: Counts) -> None:
    own, other, ask = meeting.own.public.account, meeting.other.account, meeting.correspondent.ask
    answer = ask("safety-number")
    same("the safety number", safety_number(own, other), answer["digits"])
    check_code(own, other, answer["code"])
    ask("scan-code", code=safety_code(own, other))
    with refusing("a code for other people"):
        ask("scan-code", code=safety_code(own, own))
    counts["exchange, safety number compared"] += 1


def _report(meeting: Meeting, counts: Counts) -> None:
    key, associated_data, content = secrets.token_bytes(32), secrets.token_bytes(40), b"not a nice message"
    body = seal_content(key, associated_data, content)
    report = {
        "proof": write_proof(DIRECT, key),
        "tag": message_hash(body, associated_data),
        "body": body,
        "associated_data": associated_data,
    }
    same("the content", meeting.correspondent.ask("judge-direct", **report)["content"], content)
    with refusing("another tag"):
        meeting.correspondent.ask("judge-direct", **{**report, "tag": bytes(32)})
    counts["exchange, report judged by theirs"] += 1
