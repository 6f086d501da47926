"""Attachments: C2SP chunked encryption, filling, and the reference in a message."""

import secrets
from dataclasses import dataclass

from . import Refused
from .content import padme
from .encoding import label, u64
from .primitives import (
    COMMITMENT,
    TAG,
    chacha20_poly1305_open,
    chacha20_poly1305_seal,
    hkdf_expand,
    same,
    sha256,
)

FLOOR = 4_096
CHUNK = 16_384
SALT = 24
HEADER = SALT + COMMITMENT


@dataclass(frozen=True)
class Reference:
    """What a message says of its file."""

    key: bytes
    length: int
    sealed_length: int
    sealed_hash: bytes

    def to_bytes(self) -> bytes:
        return self.key + u64(self.length) + u64(self.sealed_length) + self.sealed_hash

    @staticmethod
    def read(data: bytes) -> "Reference":
        if len(data) != 80:
            raise Refused("a reference has 80 bytes")
        length, sealed_length = int.from_bytes(data[32:40], "big"), int.from_bytes(data[40:48], "big")
        if sealed_length != sealed_length_of(length):
            raise Refused("the lengths do not belong together")
        return Reference(data[:32], length, sealed_length, data[48:])


def sealed_length_of(length: int) -> int:
    filled = padme(length, FLOOR)
    # The last chunk is shorter than a whole one, and may be empty.
    return HEADER + filled + TAG * (filled // CHUNK + 1)


def _keys(key: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """Key, base nonce, commitment."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_CHACHA20_POLY1305\x00" + salt + label("attachment")
    expanded = hkdf_expand(key, info, 76)
    return expanded[:32], expanded[32:44], expanded[44:]


def _nonce(base: bytes, chunk: int) -> bytes:
    return (int.from_bytes(base, "big") ^ chunk).to_bytes(12, "big")


def seal_file(file: bytes, key: bytes | None = None, salt: bytes | None = None) -> tuple[Reference, bytes]:
    """Reference and ciphertext. Key and salt are fresh; only vectors give them."""
    key, salt = key or secrets.token_bytes(32), salt or secrets.token_bytes(SALT)
    file_key, base, commitment = _keys(key, salt)
    filled = file.ljust(padme(len(file), FLOOR), b"\x00")
    chunks = range(len(filled) // CHUNK + 1)
    sealed = salt + commitment
    sealed += b"".join(
        chacha20_poly1305_seal(
            file_key, _nonce(base, index), b"", filled[index * CHUNK : (index + 1) * CHUNK]
        )
        for index in chunks
    )
    return Reference(key, len(file), len(sealed), sha256(sealed)), sealed


def open_file(reference: Reference, sealed: bytes) -> bytes:
    if len(sealed) != reference.sealed_length:
        raise Refused("the file is cut or extended")
    key, base, commitment = _keys(reference.key, sealed[:SALT])
    if not same(commitment, sealed[SALT:HEADER]):
        raise Refused("the file was sealed with another key")
    filled, rest, index = b"", sealed[HEADER:], 0
    while rest:
        chunk, rest = rest[: CHUNK + TAG], rest[CHUNK + TAG :]
        filled += chacha20_poly1305_open(key, _nonce(base, index), b"", chunk)
        index += 1
    if not same(sha256(sealed), reference.sealed_hash):
        raise Refused("another file than the message names")
    file, filling = filled[: reference.length], filled[reference.length :]
    if filling.strip(b"\x00"):
        raise Refused("the filling is not zero")
    return file
