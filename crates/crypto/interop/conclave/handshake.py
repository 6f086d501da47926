"""Handshake: X3DH with an ML-KEM-768 share.

The responder's side runs through the package X3DH. Its hook is the HKDF that it calls last: there we take the salt and
the input that the package put together, add the KEM share, and give our own info. The initiator's side of the package
wants the peer's prekeys signed by XEdDSA, which this protocol does not use, so its four agreements are made here.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import x3dh
import x3dh.base_state
from x3dh.crypto_provider import CryptoProvider, HashFunction
from x3dh.models import BaseStateModel, IdentityKeyPairModel, SignedPreKeyPairModel
from x3dh.types import IdentityKeyFormat, SecretType

from . import Refused
from .account import Device, OwnDevice
from .encoding import SUITE, VERSION, Reader, label, optional, start, u8, u32
from .prekeys import LAST_RESORT, ONE_TIME, Bundle, PrekeySecrets
from .primitives import (
    KEM_CIPHERTEXT,
    ZEROS,
    check_x25519,
    hkdf,
    kem_decapsulate,
    kem_encapsulate,
    kem_public,
    sha256,
    x25519,
    x25519_public,
)


@dataclass(frozen=True)
class Agreement:
    """What both sides hold afterwards."""

    root_key: bytes
    transcript: bytes


@dataclass(frozen=True)
class PrekeyHeader:
    """What the initiator tells the responder, in front of each message until the first answer."""

    kind: int
    prekey_id: int
    signed_id: int
    ephemeral: bytes
    kem_ciphertext: bytes

    LENGTH = 1129

    def to_bytes(self) -> bytes:
        return (
            u8(self.kind) + u32(self.prekey_id) + u32(self.signed_id) + self.ephemeral + self.kem_ciphertext
        )

    @staticmethod
    def read(reader: Reader) -> "PrekeyHeader":
        kind = reader.u8()
        if kind not in (ONE_TIME, LAST_RESORT):
            raise Refused("an unknown kind of prekey")
        header = PrekeyHeader(
            kind, reader.u32(), reader.u32(), reader.fixed(32), reader.fixed(KEM_CIPHERTEXT)
        )
        check_x25519(header.ephemeral)
        return header


def transcript(
    initiator: Device,
    responder: Device,
    signed_prekey: bytes,
    one_time_prekey: bytes | None,
    kem_key: bytes,
    header: PrekeyHeader,
) -> bytes:
    """T."""
    sides = b"".join(
        side.account + u32(side.number) + side.entry_hash + side.identity_key
        for side in (initiator, responder)
    )
    return sha256(
        start("handshake-transcript")
        + u8(VERSION)
        + u8(SUITE)
        + sides
        + u32(header.signed_id)
        + signed_prekey
        + u8(header.kind)
        + u32(header.prekey_id)
        + optional(one_time_prekey)
        + kem_key
        + header.ephemeral
        + header.kem_ciphertext
    )


def root_key(salt: bytes, input_key_material: bytes, kem_secret: bytes, transcript_hash: bytes) -> bytes:
    return hkdf(salt, input_key_material + kem_secret, label("handshake-key") + transcript_hash, 32)


def initiate(
    own: OwnDevice,
    bundle: Bundle,
    ephemeral_secret: bytes | None = None,
    kem_randomness: bytes | None = None,
) -> tuple[Agreement, PrekeyHeader]:
    """A's side. The two draws are fresh; only vectors give them."""
    ephemeral_secret = ephemeral_secret or secrets.token_bytes(32)
    kem_secret, kem_ciphertext = kem_encapsulate(bundle.kem_key, kem_randomness)
    header = PrekeyHeader(
        bundle.kind, bundle.prekey_id, bundle.signed_id, x25519_public(ephemeral_secret), kem_ciphertext
    )
    hashed = transcript(
        own.public, bundle.owner, bundle.signed_prekey, bundle.one_time_prekey, bundle.kem_key, header
    )
    material = (
        b"\xff" * 32
        + x25519(own.identity_secret, bundle.signed_prekey)
        + x25519(ephemeral_secret, bundle.owner.identity_key)
        + x25519(ephemeral_secret, bundle.signed_prekey)
    )
    if bundle.one_time_prekey is not None:
        material += x25519(ephemeral_secret, bundle.one_time_prekey)
    return Agreement(root_key(ZEROS, material, kem_secret, hashed), hashed), header


async def respond(own: OwnDevice, peer: Device, prekeys: PrekeySecrets, header: PrekeyHeader) -> Agreement:
    """B's side, by the package X3DH."""
    if (header.kind, header.prekey_id, header.signed_id) != (
        prekeys.kind,
        prekeys.prekey_id,
        prekeys.signed_id,
    ):
        raise Refused("the message names other prekeys")
    check_x25519(peer.identity_key)
    signed_prekey = x25519_public(prekeys.signed_secret)
    one_time = None if prekeys.one_time_secret is None else x25519_public(prekeys.one_time_secret)
    hashed = transcript(peer, own.public, signed_prekey, one_time, kem_public(prekeys.kem_seed), header)
    with shares_of_x3dh() as shares:
        await x3dh_state(own, prekeys).get_shared_secret_passive(
            x3dh.Header(
                identity_key=peer.identity_key,
                ephemeral_key=header.ephemeral,
                signed_pre_key=signed_prekey,
                pre_key=one_time,
            ),
            require_pre_key=one_time is not None,
        )
    kem_secret = kem_decapsulate(prekeys.kem_seed, header.kem_ciphertext)
    return Agreement(root_key(shares.salt, shares.material, kem_secret, hashed), hashed)


class State(x3dh.BaseState):
    """The package's state, which asks for nothing but how a public key is written into associated data."""

    @staticmethod
    def _encode_public_key(key_format: IdentityKeyFormat, pub: bytes) -> bytes:
        return pub


def x3dh_state(own: OwnDevice, prekeys: PrekeySecrets) -> State:
    """A responder as the package stores it. It signs nothing here, so its XEdDSA signature stays empty."""
    one_time = frozenset() if prekeys.one_time_secret is None else frozenset([prekeys.one_time_secret])
    model = BaseStateModel(
        identity_key=IdentityKeyPairModel(secret=own.identity_secret, secret_type=SecretType.PRIV),
        signed_pre_key=SignedPreKeyPairModel(priv=prekeys.signed_secret, sig=bytes(64), timestamp=0),
        old_signed_pre_key=None,
        pre_keys=one_time,
    )
    return State.from_model(model, IdentityKeyFormat.CURVE_25519, HashFunction.SHA_256, b"")


@dataclass
class Shares:
    """What the package gave to its HKDF."""

    salt: bytes = b""
    material: bytes = b""


@contextmanager
def shares_of_x3dh() -> Iterator[Shares]:
    """Puts a provider of ours in the place of the package's HKDF for one agreement."""
    shares = Shares()

    class Collecting(CryptoProvider):
        @staticmethod
        async def hkdf_derive(
            hash_function: HashFunction, length: int, salt: bytes, info: bytes, key_material: bytes
        ) -> bytes:
            shares.salt, shares.material = salt, key_material
            return bytes(length)

    original = x3dh.base_state.CryptoProviderImpl  # type: ignore[attr-defined]
    x3dh.base_state.CryptoProviderImpl = Collecting  # type: ignore[attr-defined,assignment]
    try:
        yield shares
    finally:
        x3dh.base_state.CryptoProviderImpl = original  # type: ignore[attr-defined]
