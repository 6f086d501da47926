"""Vault: slots over X-Wing, wrapped keys, and the chain of records."""

import hashlib
import secrets
from dataclasses import dataclass, field

from . import Refused
from .account import Device, OwnDevice
from .content import pad, unpad
from .encoding import SUITE, VERSION, Reader, hash_of, label, start, u8, u32, u64, variable
from .primitives import (
    COMMITMENT,
    KEM_CIPHERTEXT,
    KEM_PUBLIC,
    KEM_SEED,
    TAG,
    ZEROS,
    SealingKey,
    chacha20_poly1305_open,
    chacha20_poly1305_seal,
    check_kem,
    check_x25519,
    hkdf,
    hmac,
    kem_decapsulate,
    kem_encapsulate,
    kem_public,
    same,
    sha256,
    sign,
    verify,
    x25519,
    x25519_public,
    xchacha20,
)

X_WING_PUBLIC = KEM_PUBLIC + 32
X_WING_CIPHERTEXT = KEM_CIPHERTEXT + 32
X_WING_LABEL = bytes.fromhex("5c2e2f2f5e5c")
SEALED_KEY = 32 + COMMITMENT + TAG
SLOT_LABELS = ["vault-slot-recovery", "vault-slot-password", "vault-slot-passkey"]
MAX_RECORD = 80 * 1024


# X-Wing


@dataclass(frozen=True)
class XWingSecret:
    """Both secrets, expanded from a seed."""

    kem_seed: bytes
    x25519_secret: bytes

    @staticmethod
    def expand(seed: bytes) -> "XWingSecret":
        expanded = hashlib.shake_256(seed).digest(96)
        return XWingSecret(expanded[:KEM_SEED], expanded[KEM_SEED:])

    def public(self) -> bytes:
        return kem_public(self.kem_seed) + x25519_public(self.x25519_secret)

    def decapsulate(self, ciphertext: bytes) -> bytes:
        ephemeral = ciphertext[KEM_CIPHERTEXT:]
        check_x25519(ephemeral)
        kem_secret = kem_decapsulate(self.kem_seed, ciphertext[:KEM_CIPHERTEXT])
        agreement = x25519(self.x25519_secret, ephemeral)
        return _combine(kem_secret, agreement, ephemeral, x25519_public(self.x25519_secret))


def check_x_wing(public: bytes) -> None:
    check_kem(public[:KEM_PUBLIC])
    check_x25519(public[KEM_PUBLIC:])


def x_wing_encapsulate(public: bytes, randomness: bytes) -> tuple[bytes, bytes]:
    """Secret and ciphertext, from 64 random bytes: ML-KEM's, then the ephemeral secret."""
    kem_secret, ciphertext = kem_encapsulate(public[:KEM_PUBLIC], randomness[:32])
    ephemeral = x25519_public(randomness[32:])
    agreement = x25519(randomness[32:], public[KEM_PUBLIC:])
    return _combine(kem_secret, agreement, ephemeral, public[KEM_PUBLIC:]), ciphertext + ephemeral


def _combine(kem_secret: bytes, agreement: bytes, ephemeral: bytes, public: bytes) -> bytes:
    return hashlib.sha3_256(kem_secret + agreement + ephemeral + public + X_WING_LABEL).digest()


# Slots


def slot_secret(kind: int, secret: bytes) -> XWingSecret:
    return XWingSecret.expand(hkdf(ZEROS, secret, label(SLOT_LABELS[kind]), 32))


def write_slot(own: OwnDevice, kind: int, secret: bytes, created: int) -> bytes:
    fields = (
        start("vault-slot")
        + u8(VERSION)
        + u8(SUITE)
        + own.public.account
        + u32(own.public.number)
        + u8(kind)
        + u64(created)
        + slot_secret(kind, secret).public()
    )
    return fields + sign(own.signing_seed, fields)


@dataclass(frozen=True)
class Slot:
    """A slot whose signature and keys were checked."""

    account: bytes
    kind: int
    public: bytes
    hash: bytes


def read_slot(data: bytes, maker: Device) -> Slot:
    reader = Reader(data)
    reader.start("vault-slot")
    reader.version_and_suite()
    account, device, kind = reader.fixed(32), reader.u32(), reader.u8()
    reader.u64()
    public, signature = reader.fixed(X_WING_PUBLIC), reader.fixed(64)
    reader.end()
    if kind >= len(SLOT_LABELS) or (account, device) != (maker.account, maker.number):
        raise Refused("an unknown kind of slot, or the slot of another device")
    verify(maker.signing_key, data[:-64], signature)
    check_x_wing(public)
    return Slot(account, kind, public, hash_of("vault-slot", data))


# Wrapped keys


def _wrapping_key(shared: bytes, fields: bytes) -> SealingKey:
    return SealingKey.derive(shared, label("vault-wrapping-key") + sha256(fields))


def wrap_key(
    own: OwnDevice, generation: int, vault_key: bytes, slot: Slot, randomness: bytes | None = None
) -> bytes:
    """The vault key for one slot. The 64 random bytes are fresh; only vectors give them."""
    shared, ciphertext = x_wing_encapsulate(slot.public, randomness or secrets.token_bytes(64))
    fields = (
        start("vault-wrapped-key")
        + u8(VERSION)
        + u8(SUITE)
        + own.public.account
        + u32(own.public.number)
        + u32(generation)
        + slot.hash
        + ciphertext
    )
    signed = fields + _wrapping_key(shared, fields).seal(fields, vault_key)
    return signed + sign(own.signing_seed, signed)


def unwrap_key(data: bytes, maker: Device, slot: Slot, secret: bytes) -> tuple[int, bytes]:
    """Generation and vault key, with the secret of the slot."""
    reader = Reader(data)
    reader.start("vault-wrapped-key")
    reader.version_and_suite()
    account, device, generation = reader.fixed(32), reader.u32(), reader.u32()
    slot_hash, ciphertext = reader.fixed(32), reader.fixed(X_WING_CIPHERTEXT)
    sealed, signature = reader.fixed(SEALED_KEY), reader.fixed(64)
    reader.end()
    if (account, device) != (maker.account, maker.number) or account != slot.account:
        raise Refused("a key that another device wrapped")
    verify(maker.signing_key, data[:-64], signature)
    if slot_hash != slot.hash:
        raise Refused("a key for another slot")
    fields = data[: -64 - SEALED_KEY]
    shared = slot_secret(slot.kind, secret).decapsulate(ciphertext)
    return generation, _wrapping_key(shared, fields).open(fields, sealed)


# Records


@dataclass(frozen=True)
class Record:
    """A record as it is stored; `fields` are all bytes before what is sealed."""

    account: bytes
    generation: int
    sequence: int
    previous: bytes
    name: bytes
    version: int
    nonce: bytes
    sealed: bytes

    def fields(self) -> bytes:
        return (
            start("vault-record")
            + u8(VERSION)
            + u8(SUITE)
            + self.account
            + u32(self.generation)
            + u64(self.sequence)
            + self.previous
            + self.name
            + u64(self.version)
            + self.nonce
        )

    def to_bytes(self) -> bytes:
        return self.fields() + variable(self.sealed)

    @staticmethod
    def read(data: bytes) -> "Record":
        reader = Reader(data)
        reader.start("vault-record")
        reader.version_and_suite()
        record = Record(
            account=reader.fixed(32),
            generation=reader.u32(),
            sequence=reader.u64(),
            previous=reader.fixed(32),
            name=reader.fixed(32),
            version=reader.u64(),
            nonce=reader.fixed(24),
            sealed=reader.variable(MAX_RECORD),
        )
        reader.end()
        return record


def record_name(first_vault_key: bytes, real_name: bytes) -> bytes:
    """The keyed name, from the vault key of generation 0."""
    return hmac(hkdf(ZEROS, first_vault_key, label("vault-record-name"), 32), real_name)


def record_hash(record: bytes) -> bytes:
    return hash_of("vault-record", record)


def _record_key(vault_key: bytes, nonce: bytes) -> tuple[bytes, bytes]:
    expanded = hkdf(ZEROS, vault_key, label("vault-record-key") + nonce, 64)
    return expanded[:32], expanded[32:]


@dataclass
class Log:
    """The chain of records: no gap, no swap, no way back."""

    account: bytes
    count: int = 0
    head: bytes = ZEROS
    generation: int = 0
    versions: dict[bytes, int] = field(default_factory=dict)

    def append(self, data: bytes) -> Record:
        record = Record.read(data)
        follows = (
            record.account == self.account
            and record.sequence == self.count
            and record.previous == self.head
            and record.generation >= self.generation
            and record.version > self.versions.get(record.name, -1)
        )
        if not follows:
            raise Refused("not the next record")
        self.count, self.head = self.count + 1, record_hash(data)
        self.generation, self.versions[record.name] = record.generation, record.version
        return record

    def seal(
        self, generation: int, vault_key: bytes, name: bytes, content: bytes, nonce: bytes | None = None
    ) -> bytes:
        """The record that comes next. The nonce is fresh; only vectors give it."""
        nonce = nonce or secrets.token_bytes(24)
        version = self.versions.get(name, -1) + 1
        record = Record(self.account, generation, self.count, self.head, name, version, nonce, b"")
        key, commitment = _record_key(vault_key, nonce)
        sealed = commitment + chacha20_poly1305_seal(*xchacha20(key, nonce), record.fields(), pad(content))
        return record.fields() + variable(sealed)


def open_record(data: bytes, account: bytes, generation: int, vault_key: bytes, name: bytes) -> bytes:
    record = Record.read(data)
    if (record.account, record.generation, record.name) != (account, generation, name):
        raise Refused("a record of another account, generation or name")
    key, commitment = _record_key(vault_key, record.nonce)
    if len(record.sealed) < COMMITMENT + TAG or not same(record.sealed[:COMMITMENT], commitment):
        raise Refused("the record commits to another key")
    sealed = record.sealed[COMMITMENT:]
    return unpad(chacha20_poly1305_open(*xchacha20(key, record.nonce), record.fields(), sealed))
