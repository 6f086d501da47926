"""Rooms: chains of both sides, with rotation, losses and reordering."""

import random
import secrets
from collections import Counter
from dataclasses import dataclass

from conclave.reports import ROOM, write_proof
from conclave.rooms import ReceivingChains, SendingChain
from recompute.common import Counts, refusing, same

from .mailbox import Mailbox
from .meeting import Meeting, meet
from .program import Program

ROOMS = 8
EPOCHS = 3
MESSAGES = 20


@dataclass(frozen=True)
class Letter:
    """A room message on its way."""

    bound: bytes
    content: bytes
    message: bytes
    hash: bytes


async def check(program: Program, chance: random.Random) -> Counts:
    counts: Counts = Counter()
    for number in range(ROOMS):
        meeting = meet(program, 1_000 + number)
        room = Room(meeting, chance, counts, from_us=number % 2 == 0)
        for epoch in range(EPOCHS):
            room.rotate(epoch)
            for _ in range(MESSAGES):
                room.mailbox.put(room.seal())
                for letter in room.mailbox.deliveries():
                    room.deliver(letter)
        for letter in room.mailbox.deliveries(everything=True):
            room.deliver(letter)
        counts["exchange, room message lost"] += room.mailbox.lost
        counts["exchange, room written by " + ("ours" if room.from_us else "theirs")] += 1
    return counts


class Room:
    """A room in which one side writes and the other reads."""

    def __init__(self, meeting: Meeting, chance: random.Random, counts: Counts, from_us: bool) -> None:
        self.meeting = meeting
        self.counts = counts
        self.from_us = from_us
        self.reader = "theirs" if from_us else "ours"
        self.mailbox: Mailbox[Letter] = Mailbox(chance)
        self.room = secrets.token_bytes(32)
        self.sending: SendingChain | None = None
        self.receiving = ReceivingChains(self.room, meeting.other)

    def rotate(self, epoch: int) -> None:
        """A new chain, whose distribution reaches the reader."""
        ask = self.meeting.correspondent.ask
        if self.from_us:
            self.sending = SendingChain(self.room, epoch, self.meeting.own)
            distribution = self.sending.distribution(epoch, secrets.token_bytes(32))
            with refusing("a distribution for another epoch"):
                ask("accept-chain", room=self.room, epoch=epoch + 1, distribution=distribution)
            ask("accept-chain", room=self.room, epoch=epoch, distribution=distribution)
        else:
            distribution = ask("begin-chain", room=self.room, epoch=epoch)["distribution"]
            with refusing("a distribution for another epoch"):
                self.receiving.accept(distribution, epoch + 1)
            self.receiving.accept(distribution, epoch)
        self.counts[f"exchange, chain accepted by {self.reader}"] += 1

    def seal(self) -> Letter:
        bound, content = secrets.token_bytes(50), secrets.token_bytes(secrets.randbelow(300))
        if self.sending is not None:
            message, hashed = self.sending.seal(bound, content)
        else:
            answer = self.meeting.correspondent.ask("seal-room", bound=bound, content=content)
            message, hashed = answer["message"], answer["message_hash"]
        return Letter(bound, content, message, hashed)

    def open(self, bound: bytes, message: bytes) -> tuple[bytes, bytes]:
        if not self.from_us:
            opened = self.receiving.open(message, bound)
            return opened.content, opened.hash
        answer = self.meeting.correspondent.ask("open-room", bound=bound, message=message)
        same("the proof's form", answer["proof"][:-32], write_proof(ROOM, b""))
        return answer["content"], answer["message_hash"]

    def deliver(self, letter: Letter) -> None:
        if self.mailbox.damages():
            with refusing("a damaged message"):
                self.open(letter.bound, self.mailbox.damaged(letter.message))
            self.counts[f"exchange, damaged room message refused by {self.reader}"] += 1
        same("the message", self.open(letter.bound, letter.message), (letter.content, letter.hash))
        self.counts[f"exchange, room message opened by {self.reader}"] += 1
        if self.mailbox.repeats():
            with refusing("a repeated message"):
                self.open(letter.bound, letter.message)
            self.counts[f"exchange, repeated room message refused by {self.reader}"] += 1
