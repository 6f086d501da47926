"""Ratchet: the package DoubleRatchet with our key derivations, header and seal."""

from collections.abc import Callable

from doubleratchet import (
    AEAD,
    KDF,
    AuthenticationFailedException,
    DiffieHellmanRatchet,
    EncryptedMessage,
    Header,
)
from doubleratchet import DoubleRatchet as PackageRatchet

from . import Refused
from .encoding import SUITE, VERSION, label, start, u8, variable, varint
from .primitives import SealingKey, hkdf, hmac, x25519, x25519_public

MAX_JUMP = 1_000
MAX_SKIPPED = 2_000
RANDOM = 16

MESSAGE_KEY = 0x10
CONTROL = 0x11
PURPOSES = {MESSAGE_KEY: "pairwise-message-key", CONTROL: "pairwise-control"}


class RootKdf(KDF):
    """KDF_RK."""

    @staticmethod
    async def derive(key: bytes, data: bytes, length: int) -> bytes:
        return hkdf(key, data, label("ratchet-root"), length)


class ChainKdf(KDF):
    """KDF_CK, as the package wants it: the next chain key, then the message key."""

    @staticmethod
    async def derive(key: bytes, data: bytes, length: int) -> bytes:
        return hmac(key, b"\x02") + hmac(key, b"\x01")


class Seal(AEAD):
    """The seal of a message. The associated data come with the 16 random bytes in front (see `Ratchet`)."""

    @staticmethod
    async def encrypt(plaintext: bytes, key: bytes, associated_data: bytes) -> bytes:
        random, bound = associated_data[:RANDOM], associated_data[RANDOM:]
        return _sealing_key(key, random).seal(bound, plaintext)

    @staticmethod
    async def decrypt(ciphertext: bytes, key: bytes, associated_data: bytes) -> bytes:
        random, bound = associated_data[:RANDOM], associated_data[RANDOM:]
        try:
            return _sealing_key(key, random).open(bound, ciphertext)
        except Refused as error:
            raise AuthenticationFailedException(str(error)) from error


def _sealing_key(message_key: bytes, random: bytes) -> SealingKey:
    return SealingKey.derive(message_key, label("ratchet-message") + random)


def header_bytes(kind: int, header: Header, random: bytes) -> bytes:
    return (
        u8(kind)
        + header.ratchet_pub
        + varint(header.previous_sending_chain_length)
        + varint(header.sending_chain_length)
        + random
    )


def context(transcript: bytes, kind: int, random: bytes, bound: bytes) -> bytes:
    """What the package carries from our caller to `Ratchet._build_associated_data`."""
    return transcript + u8(kind) + random + bound


class Ratchet(PackageRatchet):
    """The package's ratchet with our associated data."""

    @staticmethod
    def _build_associated_data(associated_data: bytes, header: Header) -> bytes:
        transcript, kind = associated_data[:32], associated_data[32]
        random, bound = associated_data[33 : 33 + RANDOM], associated_data[33 + RANDOM :]
        return (
            random
            + start("ratchet-associated-data")
            + u8(VERSION)
            + u8(SUITE)
            + transcript
            + variable(label(PURPOSES[kind]))
            + variable(header_bytes(kind, header, random))
            + variable(bound)
        )


def diffie_hellman(next_secret: Callable[[], bytes]) -> type[DiffieHellmanRatchet]:
    """The package's Diffie-Hellman ratchet over X25519, with a source of new secrets."""

    class OverX25519(DiffieHellmanRatchet):
        @staticmethod
        def _generate_priv() -> bytes:
            return next_secret()

        @staticmethod
        def _derive_pub(priv: bytes) -> bytes:
            return x25519_public(priv)

        @staticmethod
        def _perform_diffie_hellman(own_priv: bytes, other_pub: bytes) -> bytes:
            return x25519(own_priv, other_pub)

    return OverX25519


async def begin(
    next_secret: Callable[[], bytes],
    root_key: bytes,
    peer_key: bytes,
    plaintext: bytes,
    associated_data: bytes,
) -> tuple[Ratchet, EncryptedMessage]:
    """The initiator's ratchet with its first message."""
    return await Ratchet.encrypt_initial_message(
        diffie_hellman(next_secret),
        RootKdf,
        ChainKdf,
        b"",
        MAX_JUMP,
        MAX_SKIPPED,
        Seal,
        root_key,
        peer_key,
        plaintext,
        associated_data,
    )


async def follow(
    next_secret: Callable[[], bytes],
    root_key: bytes,
    own_secret: bytes,
    message: EncryptedMessage,
    associated_data: bytes,
) -> tuple[Ratchet, bytes]:
    """The responder's ratchet with the text of the first message that arrived."""
    return await Ratchet.decrypt_initial_message(
        diffie_hellman(next_secret),
        RootKdf,
        ChainKdf,
        b"",
        MAX_JUMP,
        MAX_SKIPPED,
        Seal,
        root_key,
        own_secret,
        message,
        associated_data,
    )
