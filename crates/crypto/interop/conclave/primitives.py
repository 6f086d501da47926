"""The algorithms of suite 1, with the checks that the page asks for. No construction of the protocol is here."""

import hashlib
import hmac as hmac_module
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from kyber_py.ml_kem import ML_KEM_768  # type: ignore[import-untyped]

from . import Refused

ZEROS = bytes(32)
"""HKDF's salt where there is none."""
NO_NONCE = bytes(12)
"""The nonce of keys that seal once."""
COMMITMENT = 32
TAG = 16


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hmac(key: bytes, data: bytes) -> bytes:
    return hmac_module.new(key, data, hashlib.sha256).digest()


def hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256; where the page says "no salt", `salt` is `ZEROS`."""
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(hashes.SHA256(), length, info).derive(key)


def same(one: bytes, other: bytes) -> bool:
    """Compares in constant time."""
    return hmac_module.compare_digest(one, other)


# X25519

_FIELD = 2**255 - 19


def x25519_public(secret: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def x25519(secret: bytes, public: bytes) -> bytes:
    """The agreement; an all-zero result is refused, and that is what a point of small order gives."""
    try:
        return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise Refused("a point of small order") from error


def check_x25519(public: bytes) -> None:
    """Refuses keys that are not canonical or of small order."""
    if int.from_bytes(public, "little") >= _FIELD:
        raise Refused("an X25519 key is not canonical")
    x25519(b"\x01" * 32, public)


# Ed25519

_D = -121665 * pow(121666, -1, _FIELD) % _FIELD


def ed25519_public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, message: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    check_ed25519(public)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature as error:
        raise Refused("a signature is not valid") from error


def check_ed25519(public: bytes) -> None:
    """Refuses keys that are no point, not canonical, or of small order."""
    number = int.from_bytes(public, "little")
    y, sign_of_x = number & (2**255 - 1), number >> 255
    if y >= _FIELD:
        raise Refused("an Ed25519 key is not canonical")
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _FIELD) % _FIELD
    x = _square_root(x_squared)
    if x is None:
        raise Refused("an Ed25519 key is no point of the curve")
    if x == 0 and sign_of_x == 1:
        raise Refused("an Ed25519 key is not canonical")
    # Three doublings take every point of small order to the neutral element (0, 1).
    for _ in range(3):
        product = _D * x * x * y * y % _FIELD
        x, y = (
            2 * x * y * pow(1 + product, -1, _FIELD) % _FIELD,
            (y * y + x * x) * pow(1 - product, -1, _FIELD) % _FIELD,
        )
    if (x, y) == (0, 1):
        raise Refused("an Ed25519 key is of small order")


def _square_root(square: int) -> int | None:
    root = pow(square, (_FIELD + 3) // 8, _FIELD)
    if root * root % _FIELD != square:
        root = root * pow(2, (_FIELD - 1) // 4, _FIELD) % _FIELD
    return root if root * root % _FIELD == square else None


# ML-KEM-768

KEM_PUBLIC = 1184
KEM_CIPHERTEXT = 1088
KEM_SEED = 64


def kem_public(seed: bytes) -> bytes:
    """The public key of a pair that grows from the 64 bytes `d ‖ z` of FIPS 203."""
    public: bytes = ML_KEM_768.key_derive(seed)[0]
    return public


def kem_decapsulate(seed: bytes, ciphertext: bytes) -> bytes:
    secret: bytes = ML_KEM_768.decaps(ML_KEM_768.key_derive(seed)[1], ciphertext)
    return secret


def kem_encapsulate(public: bytes, randomness: bytes | None = None) -> tuple[bytes, bytes]:
    """Secret and ciphertext; `randomness` is the `m` of FIPS 203, which only vectors give."""
    check_kem(public)
    secret: bytes
    ciphertext: bytes
    if randomness is None:
        secret, ciphertext = ML_KEM_768.encaps(public)
    else:
        secret, ciphertext = ML_KEM_768._encaps_internal(public, randomness)
    return secret, ciphertext


def check_kem(public: bytes) -> None:
    """The modulus check of FIPS 203: every 12-bit coefficient is below 3329."""
    for place in range(0, KEM_PUBLIC - 32, 3):
        first, second, third = public[place : place + 3]
        if (first | (second & 15) << 8) >= 3329 or (second >> 4 | third << 4) >= 3329:
            raise Refused("an ML-KEM key fails its modulus check")


# Sealing


@dataclass(frozen=True)
class SealingKey:
    """Key and commitment for exactly one plaintext. Sealed is commitment ‖ ciphertext ‖ tag."""

    key: bytes
    commitment: bytes

    @staticmethod
    def derive(secret: bytes, info: bytes) -> "SealingKey":
        """HKDF-Expand(secret, info, 64 bytes) = key ‖ commitment."""
        expanded = hkdf_expand(secret, info, 64)
        return SealingKey(expanded[:32], expanded[32:])

    def seal(self, associated_data: bytes, plaintext: bytes) -> bytes:
        return self.commitment + ChaCha20Poly1305(self.key).encrypt(NO_NONCE, plaintext, associated_data)

    def open(self, associated_data: bytes, sealed: bytes) -> bytes:
        if len(sealed) < COMMITMENT + TAG or not same(sealed[:COMMITMENT], self.commitment):
            raise Refused("the seal commits to another key")
        return chacha20_poly1305_open(self.key, NO_NONCE, associated_data, sealed[COMMITMENT:])


def chacha20_poly1305_open(key: bytes, nonce: bytes, associated_data: bytes, sealed: bytes) -> bytes:
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, associated_data)
    except InvalidTag as error:
        raise Refused("the seal is not authentic") from error


def chacha20_poly1305_seal(key: bytes, nonce: bytes, associated_data: bytes, plaintext: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(nonce, plaintext, associated_data)


def xchacha20(key: bytes, nonce: bytes) -> tuple[bytes, bytes]:
    """Key and nonce with which ChaCha20-Poly1305 is XChaCha20-Poly1305 with these of 32 and 24 bytes."""
    return _hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]


def _hchacha20(key: bytes, nonce: bytes) -> bytes:
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))
    for _ in range(10):
        for columns in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
            _quarter_round(state, *columns)
        for diagonals in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            _quarter_round(state, *diagonals)
    return struct.pack("<8I", *state[:4], *state[12:])


def _quarter_round(state: list[int], a: int, b: int, c: int, d: int) -> None:
    for first, second, third, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[first] = (state[first] + state[second]) & 0xFFFFFFFF
        mixed = state[third] ^ state[first]
        state[third] = (mixed << bits | mixed >> (32 - bits)) & 0xFFFFFFFF
