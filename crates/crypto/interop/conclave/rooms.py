"""Rooms: sender keys. Statement, distribution, seed, messages, and the chains of one device as a member keeps them."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from . import Refused
from .account import Device, OwnDevice
from .content import message_hash, pad, unpad
from .encoding import SUITE, VERSION, Reader, label, start, u8, u32, variable, varint
from .primitives import COMMITMENT, TAG, SealingKey, check_ed25519, ed25519_public, hmac, sign, verify

ROOM_MESSAGE = 0x13
RANDOM = 16
SIGNATURE = 64
STATEMENT = 219
MAX_JUMP = 1_000
MAX_SKIPPED = 1_000
MAX_SEALED = 32 * 1024


@dataclass(frozen=True)
class Statement:
    """A device's word on one of its chains."""

    room: bytes
    epoch: int
    account: bytes
    device: int
    chain_id: bytes
    signature_key: bytes

    def signed_bytes(self) -> bytes:
        return (
            start("sender-key-statement")
            + u8(VERSION)
            + u8(SUITE)
            + self.room
            + u32(self.epoch)
            + self.account
            + u32(self.device)
            + self.chain_id
            + self.signature_key
        )

    @staticmethod
    def read(data: bytes, author: Device) -> "Statement":
        """The statement, if it is the author's."""
        reader = Reader(data)
        reader.start("sender-key-statement")
        reader.version_and_suite()
        statement = Statement(
            reader.fixed(32), reader.u32(), reader.fixed(32), reader.u32(), reader.fixed(16), reader.fixed(32)
        )
        signature = reader.fixed(SIGNATURE)
        reader.end()
        if (statement.account, statement.device) != (author.account, author.number):
            raise Refused("the statement of another device")
        verify(author.signing_key, statement.signed_bytes(), signature)
        check_ed25519(statement.signature_key)
        return statement

    def associated_data(self, iteration: int, random: bytes, bound: bytes) -> bytes:
        return (
            start("sender-key-associated-data")
            + u8(VERSION)
            + u8(SUITE)
            + self.room
            + u32(self.epoch)
            + self.account
            + u32(self.device)
            + self.chain_id
            + u32(iteration)
            + random
            + variable(bound)
        )


def sealing_key(message_key: bytes, random: bytes) -> SealingKey:
    return SealingKey.derive(message_key, label("sender-key-message") + random)


def message_key_of(chain_key: bytes) -> bytes:
    return hmac(chain_key, b"\x01")


def next_chain_key(chain_key: bytes) -> bytes:
    return hmac(chain_key, b"\x02")


class SendingChain:
    """A device's own chain."""

    def __init__(
        self,
        room: bytes,
        epoch: int,
        own: OwnDevice,
        signature_seed: bytes | None = None,
        chain_id: bytes | None = None,
        chain_key: bytes | None = None,
    ) -> None:
        """The three draws are fresh; only vectors give them."""
        self._signature_seed = signature_seed or secrets.token_bytes(32)
        self._chain_key = chain_key or secrets.token_bytes(32)
        self._iteration = 0
        self._statement = Statement(
            room,
            epoch,
            own.public.account,
            own.public.number,
            chain_id or secrets.token_bytes(16),
            ed25519_public(self._signature_seed),
        )
        signed = self._statement.signed_bytes()
        self.statement_bytes = signed + sign(own.signing_seed, signed)

    def distribution(self, head_sequence: int, head_hash: bytes) -> bytes:
        return (
            start("sender-key-distribution")
            + u8(VERSION)
            + u8(SUITE)
            + variable(self.statement_bytes)
            + u32(head_sequence)
            + head_hash
            + u32(self._iteration)
            + self._chain_key
        )

    def seed(self) -> bytes:
        return (
            start("sender-key-seed")
            + u8(VERSION)
            + u8(SUITE)
            + variable(self.statement_bytes)
            + u32(self._iteration)
            + self._chain_key
        )

    def seal(self, bound: bytes, content: bytes, random: bytes | None = None) -> tuple[bytes, bytes]:
        """Message and message hash."""
        random = random or secrets.token_bytes(RANDOM)
        associated_data = self._statement.associated_data(self._iteration, random, bound)
        key = sealing_key(message_key_of(self._chain_key), random)
        message = (
            u8(ROOM_MESSAGE)
            + self._statement.chain_id
            + varint(self._iteration)
            + random
            + key.seal(associated_data, pad(content))
        )
        hashed = message_hash(message, associated_data)
        self._chain_key = next_chain_key(self._chain_key)
        self._iteration += 1
        return message + sign(self._signature_seed, start("sender-key-signature") + hashed), hashed


@dataclass(frozen=True)
class RoomMessage:
    """A parsed room message."""

    chain_id: bytes
    iteration: int
    random: bytes
    sealed: bytes
    without_signature: bytes
    signature: bytes

    @staticmethod
    def read(data: bytes) -> "RoomMessage":
        if len(data) < SIGNATURE:
            raise Refused("a message ends too early")
        without_signature, signature = data[:-SIGNATURE], data[-SIGNATURE:]
        reader = Reader(without_signature)
        if reader.u8() != ROOM_MESSAGE:
            raise Refused("no room message")
        chain_id, iteration, random = reader.fixed(16), reader.varint(), reader.fixed(RANDOM)
        if not COMMITMENT + TAG <= len(reader.rest) <= MAX_SEALED:
            raise Refused("a message of an impossible length")
        return RoomMessage(chain_id, iteration, random, reader.rest, without_signature, signature)


@dataclass(frozen=True)
class Opened:
    content: bytes
    hash: bytes
    message_key: bytes


def check_signature(statement: Statement, message: RoomMessage, bound: bytes) -> tuple[bytes, bytes]:
    """Associated data and message hash; nothing may be derived before this."""
    if message.chain_id != statement.chain_id:
        raise Refused("a message of another chain")
    associated_data = statement.associated_data(message.iteration, message.random, bound)
    hashed = message_hash(message.without_signature, associated_data)
    verify(statement.signature_key, start("sender-key-signature") + hashed, message.signature)
    return associated_data, hashed


def open_with(statement: Statement, message_key: bytes, message: RoomMessage, bound: bytes) -> Opened:
    """Opens a message with its own key."""
    associated_data, hashed = check_signature(statement, message, bound)
    content = sealing_key(message_key, message.random).open(associated_data, message.sealed)
    return Opened(unpad(content), hashed, message_key)


@dataclass
class Seed:
    """A chain of the past: it opens without a state."""

    statement: Statement
    iteration: int
    chain_key: bytes

    @staticmethod
    def read(data: bytes, author: Device, room: bytes, epoch: int) -> "Seed":
        reader = Reader(data)
        reader.start("sender-key-seed")
        reader.version_and_suite()
        statement = Statement.read(reader.variable(STATEMENT), author)
        seed = Seed(statement, reader.u32(), reader.fixed(32))
        reader.end()
        if (statement.room, statement.epoch) != (room, epoch):
            raise Refused("a seed for another room or epoch")
        return seed

    def open(self, data: bytes, bound: bytes) -> Opened:
        message = RoomMessage.read(data)
        check_signature(self.statement, message, bound)
        if not 0 <= message.iteration - self.iteration <= MAX_JUMP:
            raise Refused("a message that this seed does not open")
        chain_key = self.chain_key
        for _ in range(message.iteration - self.iteration):
            chain_key = next_chain_key(chain_key)
        return open_with(self.statement, message_key_of(chain_key), message, bound)


@dataclass
class ReceivingChain:
    """One chain of another device as a member keeps it."""

    statement: Statement
    iteration: int
    chain_key: bytes
    skipped: OrderedDict[int, bytes] = field(default_factory=OrderedDict)
    end: int = 1 << 32

    def open(self, message: RoomMessage, bound: bytes) -> Opened:
        check_signature(self.statement, message, bound)
        if message.iteration >= self.end:
            raise Refused("a message beyond the end of its chain")
        if message.iteration in self.skipped:
            opened = open_with(self.statement, self.skipped[message.iteration], message, bound)
            del self.skipped[message.iteration]
            return opened
        if message.iteration < self.iteration:
            raise Refused("the message's key is gone")
        if message.iteration - self.iteration > MAX_JUMP:
            raise Refused("a message too far ahead")
        skipped, chain_key = OrderedDict(self.skipped), self.chain_key
        for iteration in range(self.iteration, message.iteration):
            skipped[iteration] = message_key_of(chain_key)
            chain_key = next_chain_key(chain_key)
        opened = open_with(self.statement, message_key_of(chain_key), message, bound)
        while len(skipped) > MAX_SKIPPED:
            skipped.popitem(last=False)
        self.skipped, self.iteration = skipped, message.iteration + 1
        self.chain_key = next_chain_key(chain_key)
        return opened


class ReceivingChains:
    """The chains of one device in one room. Old ones are not dropped here: no test lasts seven days."""

    def __init__(self, room: bytes, author: Device) -> None:
        self._room = room
        self._author = author
        self._chains: dict[bytes, ReceivingChain] = {}

    def accept(self, data: bytes, epoch: int) -> None:
        reader = Reader(data)
        reader.start("sender-key-distribution")
        reader.version_and_suite()
        statement = Statement.read(reader.variable(STATEMENT), self._author)
        reader.u32(), reader.fixed(32)
        iteration, chain_key = reader.u32(), reader.fixed(32)
        reader.end()
        if (statement.room, statement.epoch) != (self._room, epoch):
            raise Refused("a distribution for another room or epoch")
        known = self._chains.get(statement.chain_id)
        if known is None:
            self._chains[statement.chain_id] = ReceivingChain(statement, iteration, chain_key)
        elif known.statement != statement:
            raise Refused("a known chain with another statement")

    def open(self, data: bytes, bound: bytes) -> Opened:
        message = RoomMessage.read(data)
        chain = self._chains.get(message.chain_id)
        if chain is None:
            raise Refused("an unknown chain")
        return chain.open(message, bound)

    def close(self, chain_id: bytes, last_iteration: int | None) -> None:
        chain = self._chains[chain_id]
        chain.end = min(chain.end, 0 if last_iteration is None else last_iteration + 1)
