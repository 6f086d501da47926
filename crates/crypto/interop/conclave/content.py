"""Sealing of contents, and direct messages."""

from dataclasses import dataclass

from . import Refused
from .encoding import cbor, hash_parts, label, optional, start, u8, u32
from .primitives import SealingKey

FLOOR = 64
MARKER = b"\x80"


def padme(length: int, floor: int) -> int:
    """Padmé over a floor: `length` rounded up so that its binary form has few significant digits."""
    if length <= floor:
        return floor
    exponent = length.bit_length() - 1
    significant = exponent.bit_length()
    step = 1 << (exponent - significant)
    return -(-length // step) * step


def padded_length(content: int) -> int:
    return padme(content + 1, FLOOR)


def pad(content: bytes) -> bytes:
    return (content + MARKER).ljust(padded_length(len(content)), b"\x00")


def unpad(padded: bytes) -> bytes:
    content = padded.rstrip(b"\x00")
    if not content.endswith(MARKER) or pad(content[:-1]) != padded:
        raise Refused("the padding is not the one that there is")
    return content[:-1]


def _key(content_key: bytes) -> SealingKey:
    return SealingKey.derive(content_key, label("content-key"))


def seal_content(content_key: bytes, associated_data: bytes, content: bytes) -> bytes:
    return _key(content_key).seal(associated_data, pad(content))


def open_content(content_key: bytes, associated_data: bytes, sealed: bytes) -> bytes:
    return unpad(_key(content_key).open(associated_data, sealed))


def message_hash(sealed: bytes, associated_data: bytes) -> bytes:
    return hash_parts("message-hash", [sealed, associated_data])


def direct_room(one: bytes, other: bytes) -> bytes:
    return hash_parts("direct-room", sorted([one, other]))


@dataclass(frozen=True)
class Head:
    """The newest entry of a chain as its reader saw it."""

    sequence: int
    hash: bytes


@dataclass(frozen=True)
class Envelope:
    """What a direct message is bound to."""

    room: bytes
    low_head: Head
    high_head: Head
    sender_account: bytes
    sender_device: int
    identifier: bytes
    kind: int
    target: bytes | None

    def associated_data(self) -> bytes:
        return (
            start("direct-message")
            + u8(1)
            + self.room
            + u32(self.low_head.sequence)
            + self.low_head.hash
            + u32(self.high_head.sequence)
            + self.high_head.hash
            + self.sender_account
            + u32(self.sender_device)
            + self.identifier
            + u8(self.kind)
            + optional(self.target)
        )

    def bound(self, receiver_account: bytes, receiver_device: int) -> bytes:
        """The caller's data of the pairwise message that carries the key."""
        return (
            start("pairwise-message-key")
            + self.room
            + self.identifier
            + self.sender_account
            + u32(self.sender_device)
            + receiver_account
            + u32(receiver_device)
        )


def text_content(counter: int, previous: bytes, text: str) -> bytes:
    return cbor([counter, previous, [0, text]])
