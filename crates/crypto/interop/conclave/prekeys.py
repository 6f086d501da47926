"""Prekeys: the signed bundle, and the secrets behind it."""

import secrets
from dataclasses import dataclass

from . import Refused
from .account import Device, OwnDevice
from .encoding import SUITE, VERSION, Reader, optional, start, u8, u32, u64
from .primitives import (
    KEM_PUBLIC,
    KEM_SEED,
    check_kem,
    check_x25519,
    kem_public,
    sign,
    verify,
    x25519_public,
)

ONE_TIME = 0
LAST_RESORT = 1


@dataclass(frozen=True)
class PrekeySecrets:
    """What the responder keeps; without a one-time secret it is a last-resort prekey."""

    signed_id: int
    signed_secret: bytes
    prekey_id: int
    one_time_secret: bytes | None
    kem_seed: bytes

    @property
    def kind(self) -> int:
        return LAST_RESORT if self.one_time_secret is None else ONE_TIME


@dataclass(frozen=True)
class Bundle:
    """A bundle whose signature and keys were checked."""

    owner: Device
    prekey_id: int
    kind: int
    signed_id: int
    signed_prekey: bytes
    one_time_prekey: bytes | None
    kem_key: bytes


def new_prekeys(kind: int) -> PrekeySecrets:
    one_time = secrets.token_bytes(32) if kind == ONE_TIME else None
    return PrekeySecrets(
        signed_id=secrets.randbits(32),
        signed_secret=secrets.token_bytes(32),
        prekey_id=secrets.randbits(32),
        one_time_secret=one_time,
        kem_seed=secrets.token_bytes(KEM_SEED),
    )


def write_bundle(device: OwnDevice, prekeys: PrekeySecrets, created: int, expires: int) -> bytes:
    one_time = None if prekeys.one_time_secret is None else x25519_public(prekeys.one_time_secret)
    fields = (
        start("prekey-entry")
        + u8(VERSION)
        + u8(SUITE)
        + device.public.account
        + u32(device.public.number)
        + u32(prekeys.prekey_id)
        + u8(prekeys.kind)
        + u32(prekeys.signed_id)
        + x25519_public(prekeys.signed_secret)
        + optional(one_time)
        + kem_public(prekeys.kem_seed)
        + u64(created)
        + u64(expires)
    )
    return fields + sign(device.signing_seed, fields)


def read_bundle(data: bytes, owner: Device) -> Bundle:
    """Checks that `owner` made this bundle and that its keys are acceptable."""
    reader = Reader(data)
    reader.start("prekey-entry")
    reader.version_and_suite()
    account, device = reader.fixed(32), reader.u32()
    prekey_id, kind, signed_id = reader.u32(), reader.u8(), reader.u32()
    signed_prekey, one_time = reader.fixed(32), reader.optional(32)
    kem_key = reader.fixed(KEM_PUBLIC)
    reader.u64(), reader.u64()
    signature = reader.fixed(64)
    reader.end()
    if kind != (LAST_RESORT if one_time is None else ONE_TIME):
        raise Refused("the kind contradicts the keys")
    if (account, device) != (owner.account, owner.number):
        raise Refused("the bundle of another device")
    verify(owner.signing_key, data[:-64], signature)
    check_x25519(signed_prekey)
    if one_time is not None:
        check_x25519(one_time)
    check_kem(kem_key)
    return Bundle(owner, prekey_id, kind, signed_id, signed_prekey, one_time, kem_key)
