"""Linking a device: what both show, what follows from it, and the sealed messages behind it."""

import base64
import secrets
from dataclasses import dataclass

from . import Refused
from .content import pad, unpad
from .encoding import SUITE, VERSION, Reader, hash_of, label, start, u8, variable
from .primitives import ZEROS, SealingKey, check_ed25519, check_x25519, hkdf, same, sha256
from .vault import X_WING_CIPHERTEXT, X_WING_PUBLIC, XWingSecret, check_x_wing, x_wing_encapsulate

COMMITMENT, ANSWER, REVEAL, GRANT, SEALED = 1, 2, 3, 4, 5
MAX_MESSAGES = 16
MAX_SEALED = 72 * 1024


def _begin(kind: int) -> bytes:
    return start("link-message") + u8(VERSION) + u8(SUITE) + u8(kind)


def _read(kind: int, data: bytes) -> Reader:
    reader = Reader(data)
    reader.start("link-message")
    reader.version_and_suite()
    if reader.u8() != kind:
        raise Refused("another message of a link")
    return reader


@dataclass(frozen=True)
class Share:
    """Public key and nonce of one side."""

    public: bytes
    nonce: bytes

    def to_bytes(self) -> bytes:
        return self.public + self.nonce

    @staticmethod
    def read(reader: Reader) -> "Share":
        share = Share(reader.fixed(X_WING_PUBLIC), reader.fixed(32))
        check_x_wing(share.public)
        return share


@dataclass(frozen=True)
class Code:
    """What is scanned."""

    link: bytes
    commitment: bytes
    secret: bytes

    def text(self) -> str:
        data = start("link-code") + u8(VERSION) + u8(SUITE) + self.link + self.commitment + self.secret
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    @staticmethod
    def read(text: str) -> "Code":
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError as error:
            raise Refused("not base64url") from error
        reader = Reader(data)
        reader.start("link-code")
        reader.version_and_suite()
        code = Code(reader.fixed(16), reader.fixed(32), reader.fixed(16))
        reader.end()
        if code.text() != text:
            raise Refused("another text of a code")
        return code


def read_commitment(data: bytes) -> tuple[bytes, bytes]:
    """Link id and commitment."""
    reader = _read(COMMITMENT, data)
    link, commitment = reader.fixed(16), reader.fixed(32)
    reader.end()
    return link, commitment


def commitment_of(share: Share, keys: bytes) -> bytes:
    return sha256(start("link-commitment") + u8(VERSION) + u8(SUITE) + share.to_bytes() + keys)


@dataclass(frozen=True)
class Agreement:
    """What both sides have seen once the new device revealed its share."""

    link: bytes
    secret: bytes | None
    old: Share
    new: Share
    keys: bytes
    to_old: bytes
    to_old_secret: bytes

    def shown(self) -> bytes:
        return (
            start("link-transcript")
            + u8(VERSION)
            + u8(SUITE)
            + u8(0 if self.secret is None else 1)
            + self.link
            + commitment_of(self.new, self.keys)
            + self.old.to_bytes()
            + self.new.to_bytes()
            + self.keys
        )

    def digits(self) -> str:
        number = int.from_bytes(hash_of("link-digits", self.shown())[:8], "big")
        return f"{number % 1_000_000:06}"

    def channel(self, is_new: bool, to_new: bytes, to_new_secret: bytes) -> "Channel":
        transcript = sha256(self.shown() + self.to_old + to_new)
        secret = self.to_old_secret + to_new_secret + (self.secret or b"")
        keys = [
            hkdf(ZEROS, secret, label(name) + transcript, 32)
            for name in ("link-key-to-new", "link-key-to-old")
        ]
        return Channel(transcript, *(keys if is_new else reversed(keys)))


@dataclass
class Channel:
    """One end of an agreed link: the key that opens, the key that seals, and how often both did."""

    transcript: bytes
    opening: bytes
    sealing: bytes
    received: int = 0
    sent: int = 0

    def seal(self, head: bytes, payload: bytes, random: bytes | None = None) -> bytes:
        """The next message behind `head`. The 16 random bytes are fresh; only vectors give them."""
        if self.sent >= MAX_MESSAGES:
            raise Refused("the link has no more messages")
        random = random or secrets.token_bytes(16)
        fields = head + u8(self.sent) + random
        sealed = _message_key(self.sealing, self.sent, random).seal(fields, pad(payload))
        self.sent += 1
        return fields + variable(sealed)

    def open(self, head: bytes, reader: Reader) -> bytes:
        number, random = reader.u8(), reader.fixed(16)
        sealed = reader.variable(MAX_SEALED)
        reader.end()
        if number != self.received or number >= MAX_MESSAGES:
            raise Refused("not the next message")
        payload = unpad(_message_key(self.opening, number, random).open(head + u8(number) + random, sealed))
        self.received += 1
        return payload

    def seal_message(self, payload: bytes, random: bytes | None = None) -> bytes:
        return self.seal(_begin(SEALED), payload, random)

    def open_message(self, data: bytes) -> bytes:
        return self.open(_begin(SEALED), _read(SEALED, data))


def _message_key(key: bytes, number: int, random: bytes) -> SealingKey:
    return SealingKey.derive(key, label("link-message-key") + u8(number) + random)


@dataclass
class NewDevice:
    """The device that is linked. `keys` are its signing and its identity key."""

    link: bytes
    seed: bytes
    nonce: bytes
    secret: bytes | None
    keys: bytes
    agreement: Agreement | None = None

    def share(self) -> Share:
        return Share(XWingSecret.expand(self.seed).public(), self.nonce)

    def commitment(self) -> bytes:
        return _begin(COMMITMENT) + self.link + commitment_of(self.share(), self.keys)

    def code(self) -> str | None:
        if self.secret is None:
            return None
        return Code(self.link, commitment_of(self.share(), self.keys), self.secret).text()

    def reveal(self, answer: bytes, randomness: bytes | None = None) -> bytes:
        reader = _read(ANSWER, answer)
        old = Share.read(reader)
        reader.end()
        shared, ciphertext = x_wing_encapsulate(old.public, randomness or secrets.token_bytes(64))
        new = self.share()
        self.agreement = Agreement(self.link, self.secret, old, new, self.keys, ciphertext, shared)
        return _begin(REVEAL) + new.to_bytes() + self.keys + ciphertext

    def open_grant(self, grant: bytes) -> tuple[Channel, bytes]:
        if self.agreement is None:
            raise Refused("nobody answered yet")
        reader = _read(GRANT, grant)
        ciphertext = reader.fixed(X_WING_CIPHERTEXT)
        shared = XWingSecret.expand(self.seed).decapsulate(ciphertext)
        channel = self.agreement.channel(True, ciphertext, shared)
        return channel, channel.open(_begin(GRANT) + ciphertext, reader)


@dataclass
class OldDevice:
    """A device of the account, that a commitment or a scanned code was given to."""

    link: bytes
    commitment: bytes
    secret: bytes | None
    seed: bytes
    nonce: bytes
    agreement: Agreement | None = None

    def share(self) -> Share:
        return Share(XWingSecret.expand(self.seed).public(), self.nonce)

    def answer(self) -> bytes:
        return _begin(ANSWER) + self.share().to_bytes()

    def take_reveal(self, reveal: bytes) -> None:
        reader = _read(REVEAL, reveal)
        new, keys, ciphertext = Share.read(reader), reader.fixed(64), reader.fixed(X_WING_CIPHERTEXT)
        reader.end()
        check_ed25519(keys[:32])
        check_x25519(keys[32:])
        if not same(commitment_of(new, keys), self.commitment):
            raise Refused("something else was committed to")
        shared = XWingSecret.expand(self.seed).decapsulate(ciphertext)
        self.agreement = Agreement(self.link, self.secret, self.share(), new, keys, ciphertext, shared)

    def grant(
        self,
        digits: str | None,
        payload: bytes,
        randomness: bytes | None = None,
        random: bytes | None = None,
    ) -> tuple[Channel, bytes]:
        """Grants, where the digits that were typed in are right or a code was scanned."""
        if self.agreement is None:
            raise Refused("nothing was revealed yet")
        if self.secret is None and digits != self.agreement.digits():
            raise Refused("the digits of another link")
        public = self.agreement.new.public
        shared, ciphertext = x_wing_encapsulate(public, randomness or secrets.token_bytes(64))
        channel = self.agreement.channel(False, ciphertext, shared)
        return channel, channel.seal(_begin(GRANT) + ciphertext, payload, random)
