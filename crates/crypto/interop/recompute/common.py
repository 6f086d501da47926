"""What all checks of vectors share: comparing, refusing, reading hexadecimal and devices."""

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conclave import Refused
from conclave.account import Device, OwnDevice
from conclave.prekeys import PrekeySecrets, write_bundle
from conclave.primitives import ed25519_public, x25519_public
from conclave.ratchet import CONTROL, MESSAGE_KEY
from conclave.session import Session

Json = dict[str, Any]
Counts = Counter[str]

KINDS = {"message-key": MESSAGE_KEY, "control": CONTROL}


def same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise AssertionError(f"{what} differs:\n  found    {_shown(found)}\n  expected {_shown(expected)}")


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """What happens inside must be refused."""
    try:
        yield
    except Refused:
        return
    raise AssertionError(f"{what} is accepted and must be refused")


def unhex(value: str) -> bytes:
    return bytes.fromhex(value)


def maybe(value: str | None) -> bytes | None:
    return None if value is None else unhex(value)


def altered(value: str, alteration: Json) -> bytes:
    data = bytearray(unhex(value))
    data[alteration["position"]] ^= alteration["xor"]
    return bytes(data)


def device(vector: Json) -> OwnDevice:
    """A device from its secrets; the public keys in the vector must belong to them."""
    own = OwnDevice(
        Device(
            unhex(vector["account"]),
            vector["device"],
            unhex(vector["entry_hash"]),
            ed25519_public(unhex(vector["signing_seed"])),
            x25519_public(unhex(vector["identity_secret"])),
        ),
        unhex(vector["signing_seed"]),
        unhex(vector["identity_secret"]),
    )
    same("the signing key", own.public.signing_key, unhex(vector["signing_key"]))
    same("the identity key", own.public.identity_key, unhex(vector["identity_key"]))
    return own


def prekeys(vector: Json) -> PrekeySecrets:
    return PrekeySecrets(
        vector["signed_prekey_id"],
        unhex(vector["signed_prekey_secret"]),
        vector["prekey_id"],
        maybe(vector["one_time_secret"]),
        unhex(vector["kem_seed"]),
    )


class Upcoming:
    """The ratchet secrets of one side, in the order in which it uses them.

    The package makes the next pair as soon as it receives a turn, the vectors' side when it sends: so the next secret
    may be asked for many times until a message is sealed with it.
    """

    def __init__(self) -> None:
        self._secret: list[bytes] = []
        self._next = 0

    def add(self, secret: bytes) -> None:
        self._secret.append(secret)

    def used(self) -> None:
        self._next += 1

    def __call__(self) -> bytes:
        if self._next < len(self._secret):
            return self._secret[self._next]
        return secrets.token_bytes(32)


def bundle(vector: Json) -> bytes:
    """The bundle that a vector's responder makes of its prekeys."""
    return write_bundle(
        device(vector["responder"]),
        prekeys(vector["prekeys"]),
        vector["prekeys"]["created"],
        vector["prekeys"]["expires"],
    )


async def seal_again(vector: Json, session: Session) -> None:
    """Seals what a vector says and compares."""
    message = await session.seal(
        KINDS[vector["purpose"]], unhex(vector["bound"]), unhex(vector["plaintext"]), unhex(vector["random"])
    )
    same("a message", message, unhex(vector["message"]))
