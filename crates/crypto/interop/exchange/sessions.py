"""Pairwise sessions in both roles, with direct messages and control payloads."""

import random
import secrets
from collections import Counter
from dataclasses import dataclass

from conclave.content import (
    Envelope,
    Head,
    direct_room,
    message_hash,
    open_content,
    pad,
    seal_content,
    text_content,
    unpad,
)
from conclave.encoding import start, u32
from conclave.prekeys import LAST_RESORT, ONE_TIME, new_prekeys, read_bundle, write_bundle
from conclave.ratchet import CONTROL, MESSAGE_KEY
from conclave.session import Session
from recompute.common import Counts, refusing, same

from .mailbox import Mailbox
from .meeting import Meeting, meet, now
from .program import Program

SESSIONS = 60
MESSAGES = 30
NAMES = {MESSAGE_KEY: "message-key", CONTROL: "control"}


@dataclass(frozen=True)
class Letter:
    """A pairwise message on its way."""

    from_us: bool
    kind: int
    bound: bytes
    text: bytes
    message: bytes


async def check(program: Program, chance: random.Random) -> Counts:
    counts: Counts = Counter()
    for number in range(SESSIONS):
        last_resort = number % 4 >= 2
        conversation = Conversation(meet(program, number, last_resort), chance, counts)
        if number % 2 == 0:
            conversation.begin()
        else:
            conversation.be_begun(LAST_RESORT if last_resort else ONE_TIME)
        await conversation.run(we_begin=number % 2 == 0)
        await conversation.direct_message()
        counts["exchange, session begun by " + ("ours" if number % 2 == 0 else "theirs")] += 1
    return counts


class Conversation:
    """One session, ours in this program."""

    def __init__(self, meeting: Meeting, chance: random.Random, counts: Counts) -> None:
        self.meeting = meeting
        self.chance = chance
        self.counts = counts
        self.session = Session(lambda: secrets.token_bytes(32))
        self.prekeys = new_prekeys(ONE_TIME)
        self.mailbox: Mailbox[Letter] = Mailbox(chance)

    def begin(self) -> None:
        self.session.begin(self.meeting.own, read_bundle(self.meeting.other_bundle, self.meeting.other))

    def be_begun(self, kind: int) -> None:
        self.prekeys = new_prekeys(kind)
        bundle = write_bundle(self.meeting.own, self.prekeys, now(), now() + 1)
        with refusing("a damaged bundle"):
            self.meeting.correspondent.ask("begin", bundle=self.mailbox.damaged(bundle))
        self.counts["exchange, damaged bundle refused by theirs"] += 1
        self.meeting.correspondent.ask("begin", bundle=bundle)

    async def run(self, we_begin: bool) -> None:
        # Nobody answers before the first message arrived.
        we_may, they_may = we_begin, not we_begin
        for number in range(MESSAGES):
            from_us = self.chance.choice([True, False]) if we_may and they_may else we_may
            await self.write(from_us, number)
            for letter in self.mailbox.deliveries():
                await self.deliver(letter)
                we_may, they_may = we_may or not letter.from_us, they_may or letter.from_us
        for letter in self.mailbox.deliveries(everything=True):
            await self.deliver(letter)
        # Whatever was lost, the session goes on, in both directions.
        for from_us in [we_begin, not we_begin, we_begin]:
            letter = await self.seal(from_us, CONTROL, b"the end", pad(b"the end"))
            await self.deliver(letter)
        self.counts["exchange, message lost"] += self.mailbox.lost

    async def write(self, from_us: bool, number: int) -> None:
        kind = self.chance.choice([MESSAGE_KEY, CONTROL])
        bound, text = f"place {number}".encode(), f"text {number} ".encode() * self.chance.randrange(9)
        self.mailbox.put(await self.seal(from_us, kind, bound, text))

    async def seal(self, from_us: bool, kind: int, bound: bytes, text: bytes) -> Letter:
        if from_us:
            message = await self.session.seal(kind, bound, text)
        else:
            answer = self.meeting.correspondent.ask("seal", purpose=NAMES[kind], bound=bound, plaintext=text)
            message = answer["message"]
        return Letter(from_us, kind, bound, text, message)

    async def open(self, letter: Letter, message: bytes | None = None) -> bytes:
        message = message or letter.message
        if not letter.from_us:
            return await self.session.open(
                letter.kind, letter.bound, message, self.meeting.own, self.meeting.other, self.prekeys
            )
        answer = self.meeting.correspondent.ask(
            "open", purpose=NAMES[letter.kind], bound=letter.bound, message=message
        )
        plaintext: bytes = answer["plaintext"]
        return plaintext

    async def deliver(self, letter: Letter) -> None:
        reader = "theirs" if letter.from_us else "ours"
        if self.mailbox.damages():
            with refusing("a damaged message"):
                await self.open(letter, self.mailbox.damaged(letter.message))
            self.counts[f"exchange, damaged message refused by {reader}"] += 1
        same("the text", await self.open(letter), letter.text)
        self.counts[f"exchange, message opened by {reader}"] += 1
        if self.mailbox.repeats():
            with refusing("a repeated message"):
                await self.open(letter)
            self.counts[f"exchange, repeated message refused by {reader}"] += 1

    async def direct_message(self) -> None:
        """One text each way: sealed once, its key and hash through the session."""
        own, other, ask = self.meeting.own.public, self.meeting.other, self.meeting.correspondent.ask
        for from_us in (True, False):
            sender, receiver = (own, other) if from_us else (other, own)
            low, high = sorted([own, other], key=lambda device: device.account)
            room = direct_room(own.account, other.account)
            heads = Head(0, low.entry_hash), Head(0, high.entry_hash)
            envelope = Envelope(room, *heads, sender.account, sender.number, secrets.token_bytes(16), 0, None)
            key, associated_data = secrets.token_bytes(32), envelope.associated_data()
            content = text_content(0, bytes(32), "Grüße von der anderen Seite")
            if from_us:
                sealed = seal_content(key, associated_data, content)
                hashed = message_hash(sealed, associated_data)
            else:
                answer = ask("seal-content", key=key, associated_data=associated_data, content=content)
                sealed, hashed = answer["sealed"], answer["message_hash"]
                same("the message hash", message_hash(sealed, associated_data), hashed)
            bound = envelope.bound(receiver.account, receiver.number)
            letter = await self.seal(from_us, MESSAGE_KEY, bound, key + hashed)
            carried = await self.open(letter)
            same("what was carried", carried, key + hashed)
            if from_us:
                answer = ask("open-content", key=key, associated_data=associated_data, sealed=sealed)
                same("the content", answer["content"], content)
            else:
                same("the content", open_content(key, associated_data, sealed), content)
            self.counts["exchange, direct message opened by " + ("theirs" if from_us else "ours")] += 1

        # A receipt, as control payloads are made: padded CBOR, bound to its place.
        bound = (
            start("pairwise-control")
            + secrets.token_bytes(16)
            + own.account
            + u32(own.number)
            + other.account
            + u32(other.number)
        )
        letter = await self.seal(True, CONTROL, bound, pad(b"\x82\x01\x80"))
        same("the payload", unpad(await self.open(letter)), b"\x82\x01\x80")
