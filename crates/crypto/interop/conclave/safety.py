"""Safety numbers: what two people compare."""

import hashlib

from . import Refused
from .encoding import VERSION, start, u8
from .primitives import same

ROUNDS = 5_200
HALF = 32


def fingerprint(account: bytes) -> bytes:
    key = b"\x05" + account
    hashed = hashlib.sha512(bytes(2) + key + account + key).digest()
    for _ in range(ROUNDS - 1):
        hashed = hashlib.sha512(hashed + key).digest()
    return hashed


def digits(account: bytes) -> str:
    hashed = fingerprint(account)
    groups = (hashed[place : place + 5] for place in range(0, 30, 5))
    return "".join(f"{int.from_bytes(group, 'big') % 100_000:05}" for group in groups)


def safety_number(one: bytes, other: bytes) -> str:
    return "".join(sorted([digits(one), digits(other)]))


def safety_code(own: bytes, other: bytes) -> bytes:
    """What one side shows for scanning."""
    return start("safety-code") + u8(VERSION) + fingerprint(own)[:HALF] + fingerprint(other)[:HALF]


def check_code(own: bytes, other: bytes, scanned: bytes) -> None:
    """What the other side shows is its code for us, or it is refused."""
    if not same(scanned, safety_code(other, own)):
        raise Refused("a safety code for other people")
