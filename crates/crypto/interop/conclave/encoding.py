"""Canonical encoding, labels and the two hashes built on them; varints; the little CBOR that contents need."""

import hashlib
from typing import Any

from . import Refused

VERSION = 1
SUITE = 1


def label(purpose: str) -> bytes:
    """The bare text of a label, as HKDF takes it."""
    return b"conclave/v1/" + purpose.encode()


def u8(number: int) -> bytes:
    return number.to_bytes(1, "big")


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def start(purpose: str) -> bytes:
    """The first element of every encoding."""
    text = label(purpose)
    return u8(len(text)) + text


def variable(data: bytes) -> bytes:
    return u32(len(data)) + data


def optional(data: bytes | None) -> bytes:
    return b"\x00" if data is None else b"\x01" + data


def hash_of(purpose: str, data: bytes) -> bytes:
    """`hash(label, bytes)`."""
    return hashlib.sha256(start(purpose) + variable(data)).digest()


def hash_parts(purpose: str, parts: list[bytes]) -> bytes:
    """`hash_parts(label, [p1, p2, …])`."""
    return hashlib.sha256(start(purpose) + b"".join(variable(part) for part in parts)).digest()


class Reader:
    """Walks over one encoding and refuses every form but the canonical one."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def start(self, purpose: str) -> None:
        expected = start(purpose)
        if self.fixed(len(expected)) != expected:
            raise Refused("the bytes were made for another purpose")

    def version_and_suite(self) -> None:
        if self.fixed(2) != bytes([VERSION, SUITE]):
            raise Refused("another version or suite")

    def fixed(self, length: int) -> bytes:
        if len(self.rest) < length:
            raise Refused("the bytes end too early")
        taken, self.rest = self.rest[:length], self.rest[length:]
        return taken

    def u8(self) -> int:
        return self.fixed(1)[0]

    def u32(self) -> int:
        return int.from_bytes(self.fixed(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.fixed(8), "big")

    def variable(self, limit: int) -> bytes:
        length = self.u32()
        if length > limit:
            raise Refused("a field is longer than its limit")
        return self.fixed(length)

    def optional(self, length: int) -> bytes | None:
        match self.u8():
            case 0:
                return None
            case 1:
                return self.fixed(length)
        raise Refused("a presence byte is neither 0 nor 1")

    def varint(self) -> int:
        """Unsigned LEB128 of a u32 in its shortest form."""
        number = 0
        for place in range(5):
            byte = self.u8()
            number |= (byte & 0x7F) << (7 * place)
            if byte & 0x80 == 0:
                if number >= 1 << 32 or (byte == 0 and place > 0):
                    raise Refused("a varint is not in its shortest form")
                return number
        raise Refused("a varint is too long")

    def end(self) -> None:
        if self.rest:
            raise Refused("bytes follow the end")


def varint(number: int) -> bytes:
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        if number == 0:
            out.append(low)
            return bytes(out)
        out.append(low | 0x80)


def cbor(value: Any) -> bytes:
    """Numbers, byte strings, texts, arrays and null in CBOR's shortest form (RFC 8949)."""
    match value:
        case None:
            return b"\xf6"
        case int():
            return _cbor_head(0, value)
        case bytes():
            return _cbor_head(2, len(value)) + value
        case str():
            return _cbor_head(3, len(value.encode())) + value.encode()
        case list():
            return _cbor_head(4, len(value)) + b"".join(cbor(item) for item in value)
    raise TypeError(f"no CBOR for {type(value)}")


def _cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise ValueError("a number is too large for CBOR")
