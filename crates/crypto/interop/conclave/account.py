"""Account chain: its entries, and the state that they lead to."""

import secrets
from dataclasses import dataclass, field

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


RECOVERY = 2**32 - 1


@dataclass(frozen=True)
class Genesis:
    signing_key: bytes
    identity_key: bytes
    recovery_key: bytes


@dataclass(frozen=True)
class AddDevice:
    signing_key: bytes
    identity_key: bytes
    possession: bytes

    def statement(self, account: bytes) -> bytes:
        return start("device-possession") + account + self.signing_key + self.identity_key


@dataclass(frozen=True)
class RevokeDevice:
    device: int


@dataclass(frozen=True)
class RotateRecovery:
    recovery_key: bytes
    possession: bytes
    revoke_all: bool

    def statement(self, account: bytes) -> bytes:
        return start("recovery-possession") + account + self.recovery_key


@dataclass(frozen=True)
class Vault:
    generation: int
    slots: list[tuple[bytes, bytes]]
    records: int
    head: bytes


@dataclass(frozen=True)
class Close:
    pass


Body = Genesis | AddDevice | RevokeDevice | RotateRecovery | Vault | Close


def write_body(body: Body) -> bytes:
    match body:
        case Genesis():
            return u8(0) + body.signing_key + body.identity_key + body.recovery_key
        case AddDevice():
            return u8(1) + body.signing_key + body.identity_key + body.possession
        case RevokeDevice():
            return u8(2) + u32(body.device)
        case RotateRecovery():
            return u8(3) + body.recovery_key + body.possession + u8(body.revoke_all)
        case Vault():
            slots = b"".join(slot + wrapped for slot, wrapped in body.slots)
            return u8(4) + u32(body.generation) + u8(len(body.slots)) + slots + u64(body.records) + body.head
        case Close():
            return u8(6)


def read_body(reader: Reader) -> Body:
    match reader.u8():
        case 0:
            return Genesis(reader.fixed(32), reader.fixed(32), reader.fixed(32))
        case 1:
            return AddDevice(reader.fixed(32), reader.fixed(32), reader.fixed(64))
        case 2:
            return RevokeDevice(reader.u32())
        case 3:
            recovery, possession, revoke_all = reader.fixed(32), reader.fixed(64), reader.u8()
            if revoke_all > 1:
                raise Refused("neither yes nor no")
            return RotateRecovery(recovery, possession, revoke_all == 1)
        case 4:
            generation, count = reader.u32(), reader.u8()
            if count > 8:
                raise Refused("too many slots")
            slots = [(reader.fixed(32), reader.fixed(32)) for _ in range(count)]
            return Vault(generation, slots, reader.u64(), reader.fixed(32))
        case 6:
            return Close()
    raise Refused("an entry of an unknown kind")


@dataclass(frozen=True)
class Entry:
    """A chain entry as it is signed."""

    account: bytes | None
    sequence: int
    previous: bytes | None
    author: int
    time: int
    body: Body

    def signed_bytes(self) -> bytes:
        return (
            start("account-entry")
            + u8(1)
            + optional(self.account)
            + u32(self.sequence)
            + optional(self.previous)
            + u32(self.author)
            + u64(self.time)
            + write_body(self.body)
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
    body = read_body(reader)
    reader.end()
    return Entry(account, sequence, previous, author, time, body), signed, signature


@dataclass
class Chain:
    """The state of a verified chain."""

    account: bytes
    recovery_key: bytes
    head: int
    head_hash: bytes
    time: int
    devices: dict[int, Device] = field(default_factory=dict)
    keys: set[bytes] = field(default_factory=set)
    vault: Vault | None = None
    closed: bool = False

    def enter(self, *keys: bytes) -> None:
        """Keys that must never have stood here."""
        if len(set(keys)) != len(keys) or not self.keys.isdisjoint(keys):
            raise Refused("a key that stands in the chain")
        self.keys.update(keys)

    def append(self, data: bytes) -> None:
        """A refusal may leave traces here; the chain is then thrown away."""
        entry, signed, signature = read_entry(data)
        if (entry.account, entry.sequence, entry.previous) != (self.account, self.head + 1, self.head_hash):
            raise Refused("not the next entry of this chain")
        if self.closed or entry.time < self.time:
            raise Refused("after the end, or before the entry before")
        by_recovery = entry.author == RECOVERY
        if not by_recovery and entry.author not in self.devices:
            raise Refused("no active device wrote this")
        key = self.recovery_key if by_recovery else self.devices[entry.author].signing_key
        verify(key, signed, signature)
        if entry.sequence >= 4352:
            raise Refused("the chain is full")
        if entry.sequence >= 4096 and not (by_recovery or isinstance(entry.body, RevokeDevice)):
            raise Refused("the rest is for recovery")
        self.head, self.head_hash, self.time = entry.sequence, entry_hash(data), entry.time
        match entry.body:
            case AddDevice():
                self._add(entry.body)
            case RevokeDevice():
                if entry.body.device not in self.devices:
                    raise Refused("no such active device")
                if not by_recovery and len(self.devices) == 1:
                    raise Refused("the last device")
                del self.devices[entry.body.device]
            case RotateRecovery():
                self._rotate(entry.body, by_recovery)
            case Vault():
                self._vault(entry.body, by_recovery)
            case Close():
                self.devices.clear()
                self.closed = True
            case Genesis():
                raise Refused("a second genesis")

    def _add(self, body: AddDevice) -> None:
        check_keys(body.signing_key, body.identity_key)
        self.enter(body.signing_key, body.identity_key)
        if len(self.devices) >= 16:
            raise Refused("too many devices")
        verify(body.signing_key, body.statement(self.account), body.possession)
        self.devices[self.head] = Device(
            self.account, self.head, self.head_hash, body.signing_key, body.identity_key
        )

    def _rotate(self, body: RotateRecovery, by_recovery: bool) -> None:
        if not by_recovery:
            raise Refused("for the recovery key only")
        check_ed25519(body.recovery_key)
        self.enter(body.recovery_key)
        verify(body.recovery_key, body.statement(self.account), body.possession)
        self.recovery_key = body.recovery_key
        if body.revoke_all:
            self.devices.clear()

    def _vault(self, body: Vault, by_recovery: bool) -> None:
        slots = [slot for slot, _ in body.slots]
        if slots != sorted(set(slots)):
            raise Refused("slots out of order")
        if body.records == 0 and body.head != ZEROS:
            raise Refused("a head of nothing")
        before = self.vault
        if before is not None:
            if body.generation < before.generation or body.records < before.records:
                raise Refused("the vault goes back")
            stay = slots == [slot for slot, _ in before.slots]
            if not stay and not by_recovery:
                raise Refused("only the recovery key changes the ways in")
            if body.generation == before.generation and body.slots != before.slots:
                raise Refused("slots change with a new key")
            if body.records == before.records and body.head != before.head:
                raise Refused("another vault")
        self.vault = body


def check_keys(signing_key: bytes, identity_key: bytes) -> None:
    check_ed25519(signing_key)
    if identity_key == ZEROS:
        raise Refused("an identity key of zeros")


def verify_whole(account: bytes, entries: list[bytes]) -> Chain:
    if not entries:
        raise Refused("no entry")
    genesis, signed, signature = read_entry(entries[0])
    if genesis.account is not None or genesis.previous is not None or genesis.sequence or genesis.author:
        raise Refused("not a genesis entry")
    body = genesis.body
    if not isinstance(body, Genesis):
        raise Refused("not a genesis entry")
    check_keys(body.signing_key, body.identity_key)
    check_ed25519(body.recovery_key)
    verify(body.signing_key, signed, signature)
    identifier = entry_hash(entries[0])
    if identifier != account:
        raise Refused("the chain of another account")
    chain = Chain(account, body.recovery_key, 0, identifier, genesis.time)
    chain.enter(body.signing_key, body.identity_key, body.recovery_key)
    chain.devices[0] = Device(account, 0, identifier, body.signing_key, body.identity_key)
    for entry in entries[1:]:
        chain.append(entry)
    return chain


def verify_chain(account: bytes, entries: list[bytes]) -> Device:
    """The first active device of a chain."""
    devices = verify_whole(account, entries).devices
    if not devices:
        raise Refused("no device")
    return devices[min(devices)]


def new_account(time: int) -> tuple[OwnDevice, bytes]:
    """An account with one device, and its genesis entry."""
    signing_seed, identity_secret, recovery_key = (secrets.token_bytes(32) for _ in range(3))
    genesis = Entry(
        account=None,
        sequence=0,
        previous=None,
        author=0,
        time=time,
        body=Genesis(
            ed25519_public(signing_seed),
            x25519_public(identity_secret),
            ed25519_public(recovery_signing_seed(recovery_key)),
        ),
    )
    signed = genesis.signed_bytes()
    entry = write_entry(signed, sign(signing_seed, signed))
    device = verify_chain(entry_hash(entry), [entry])
    return OwnDevice(device, signing_seed, identity_secret), entry
