"""Account chain: the genesis entry, and the device that it names."""

import secrets
from dataclasses import dataclass

from . import Refused
from .encoding import Reader, hash_of, label, optional, start, u8, u32, u64, variable
from .primitives import (
    ZEROS,
    check_ed25519,
    ed25519_public,
    hkdf,
    sign,
    verify,
    x25519_public,
)


@dataclass(frozen=True)
class Device:
    """A device as a verified chain names it."""

    account: bytes
    number: int
    entry_hash: bytes
    signing_key: bytes
    identity_key: bytes


@dataclass(frozen=True)
class OwnDevice:
    """A device with its secrets."""

    public: Device
    signing_seed: bytes
    identity_secret: bytes


@dataclass(frozen=True)
class Entry:
    """A chain entry as it is signed; so far only its genesis form has a body."""

    account: bytes | None
    sequence: int
    previous: bytes | None
    author: int
    time: int
    signing_key: bytes
    identity_key: bytes
    recovery_key: bytes

    def signed_bytes(self) -> bytes:
        return (
            start("account-entry")
            + u8(1)
            + optional(self.account)
            + u32(self.sequence)
            + optional(self.previous)
            + u32(self.author)
            + u64(self.time)
            + u8(0)
            + self.signing_key
            + self.identity_key
            + self.recovery_key
        )


def recovery_signing_seed(recovery_key: bytes) -> bytes:
    return hkdf(ZEROS, recovery_key, label("recovery-signing-key"), 32)


def write_entry(signed: bytes, signature: bytes) -> bytes:
    return start("entry-hash") + variable(signed) + signature


def entry_hash(entry: bytes) -> bytes:
    return hash_of("entry-hash", entry)


def read_entry(entry: bytes) -> tuple[Entry, bytes, bytes]:
    """Entry, signed bytes, signature. Only the form is checked."""
    outer = Reader(entry)
    outer.start("entry-hash")
    signed = outer.variable(4096)
    signature = outer.fixed(64)
    outer.end()
    reader = Reader(signed)
    reader.start("account-entry")
    if reader.u8() != 1:
        raise Refused("an entry of another version")
    account, sequence, previous = reader.optional(32), reader.u32(), reader.optional(32)
    author, time = reader.u32(), reader.u64()
    if reader.u8() != 0:
        raise Refused("an entry of an unknown kind")
    keys = reader.fixed(32), reader.fixed(32), reader.fixed(32)
    reader.end()
    return Entry(account, sequence, previous, author, time, *keys), signed, signature


def verify_chain(account: bytes, entries: list[bytes]) -> Device:
    """The first device of a chain. So far every second entry is refused."""
    if not entries:
        raise Refused("no entry")
    if len(entries) > 1:
        raise Refused("no second entry is known yet")
    genesis, signed, signature = read_entry(entries[0])
    if genesis.account is not None or genesis.previous is not None or genesis.sequence or genesis.author:
        raise Refused("not a genesis entry")
    check_ed25519(genesis.signing_key)
    check_ed25519(genesis.recovery_key)
    if genesis.identity_key == ZEROS:
        raise Refused("an identity key of zeros")
    verify(genesis.signing_key, signed, signature)
    identifier = entry_hash(entries[0])
    if identifier != account:
        raise Refused("the chain of another account")
    return Device(account, 0, identifier, genesis.signing_key, genesis.identity_key)


def new_account(time: int) -> tuple[OwnDevice, bytes]:
    """An account with one device, and its genesis entry."""
    signing_seed, identity_secret, recovery_key = (secrets.token_bytes(32) for _ in range(3))
    genesis = Entry(
        account=None,
        sequence=0,
        previous=None,
        author=0,
        time=time,
        signing_key=ed25519_public(signing_seed),
        identity_key=x25519_public(identity_secret),
        recovery_key=ed25519_public(recovery_signing_seed(recovery_key)),
    )
    signed = genesis.signed_bytes()
    entry = write_entry(signed, sign(signing_seed, signed))
    device = verify_chain(entry_hash(entry), [entry])
    return OwnDevice(device, signing_seed, identity_secret), entry
