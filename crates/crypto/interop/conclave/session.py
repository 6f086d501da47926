"""Pairwise messages over one session: prekey message or ratchet message, sealed and opened."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from doubleratchet import (
    AuthenticationFailedException,
    DoSProtectionException,
    DuplicateMessageException,
    EncryptedMessage,
    Header,
)

from . import Refused, ratchet
from .account import Device, OwnDevice
from .encoding import Reader, u8
from .handshake import Agreement, PrekeyHeader, initiate, respond
from .prekeys import Bundle, PrekeySecrets
from .primitives import COMMITMENT, TAG, check_x25519
from .ratchet import PURPOSES, RANDOM, Ratchet, context, header_bytes

PREKEY_MESSAGE = 0x12
MAX_MESSAGE = 4 * 1024

_REFUSALS = (AuthenticationFailedException, DoSProtectionException, DuplicateMessageException)


@dataclass(frozen=True)
class Message:
    """A parsed pairwise message."""

    prekey_header: PrekeyHeader | None
    kind: int
    header: Header
    random: bytes
    sealed: bytes

    @staticmethod
    def read(data: bytes) -> "Message":
        if len(data) > MAX_MESSAGE:
            raise Refused("a message is too long")
        reader = Reader(data)
        kind = reader.u8()
        prekey_header = None
        if kind == PREKEY_MESSAGE:
            prekey_header = PrekeyHeader.read(reader)
            kind = reader.u8()
        if kind not in PURPOSES:
            raise Refused("a message of an unknown type")
        header = Header(reader.fixed(32), reader.varint(), reader.varint())
        check_x25519(header.ratchet_pub)
        random, sealed = reader.fixed(RANDOM), reader.rest
        if len(sealed) < COMMITMENT + TAG:
            raise Refused("a message ends too early")
        return Message(prekey_header, kind, header, random, sealed)


class Session:
    """One session with one peer device. Opening either succeeds or leaves it as it was."""

    def __init__(self, next_secret: Callable[[], bytes]) -> None:
        self._next_secret = next_secret
        self._ratchet: Ratchet | None = None
        self._agreement: Agreement | None = None
        # The initiator's side until the peer answers.
        self._unanswered: PrekeyHeader | None = None
        self._peer_key = b""
        # The responder's side: which handshake it was.
        self._answered: PrekeyHeader | None = None

    @property
    def transcript(self) -> bytes:
        assert self._agreement is not None
        return self._agreement.transcript

    def begin(
        self,
        own: OwnDevice,
        bundle: Bundle,
        ephemeral_secret: bytes | None = None,
        kem_randomness: bytes | None = None,
    ) -> None:
        """Begins the session as its initiator."""
        self._agreement, self._unanswered = initiate(own, bundle, ephemeral_secret, kem_randomness)
        self._peer_key = bundle.signed_prekey

    async def seal(self, kind: int, bound: bytes, plaintext: bytes, random: bytes | None = None) -> bytes:
        """A pairwise message. The random bytes are fresh; only vectors give them."""
        random = random or secrets.token_bytes(RANDOM)
        associated_data = context(self.transcript, kind, random, bound)
        if self._ratchet is None:
            assert self._agreement is not None
            self._ratchet, encrypted = await ratchet.begin(
                self._next_secret, self._agreement.root_key, self._peer_key, plaintext, associated_data
            )
        else:
            encrypted = await self._ratchet.encrypt_message(plaintext, associated_data)
        message = header_bytes(kind, encrypted.header, random) + encrypted.ciphertext
        if self._unanswered is not None:
            return u8(PREKEY_MESSAGE) + self._unanswered.to_bytes() + message
        return message

    async def open(
        self,
        kind: int,
        bound: bytes,
        data: bytes,
        own: OwnDevice,
        peer: Device,
        prekeys: PrekeySecrets | None = None,
    ) -> bytes:
        """The text of a message. `prekeys` are what a first message may be opened with."""
        message = Message.read(data)
        if message.kind != kind:
            raise Refused("a message for another purpose")
        encrypted = EncryptedMessage(message.header, message.sealed)
        try:
            if self._ratchet is None and self._unanswered is None:
                return await self._follow(message, encrypted, bound, own, peer, prekeys)
            if message.prekey_header is not None and message.prekey_header != self._answered:
                raise Refused("the header of another handshake")
            if self._ratchet is None:
                raise Refused("an answer before anything was sent")
            associated_data = context(self.transcript, kind, message.random, bound)
            plaintext = await self._ratchet.decrypt_message(encrypted, associated_data)
        except _REFUSALS as error:
            raise Refused(type(error).__name__) from error
        self._unanswered = None
        return plaintext

    async def _follow(
        self,
        message: Message,
        encrypted: EncryptedMessage,
        bound: bytes,
        own: OwnDevice,
        peer: Device,
        prekeys: PrekeySecrets | None,
    ) -> bytes:
        if message.prekey_header is None or prekeys is None:
            raise Refused("no session")
        agreement = await respond(own, peer, prekeys, message.prekey_header)
        associated_data = context(agreement.transcript, message.kind, message.random, bound)
        self._ratchet, plaintext = await ratchet.follow(
            self._next_secret, agreement.root_key, prekeys.signed_secret, encrypted, associated_data
        )
        self._agreement, self._answered = agreement, message.prekey_header
        return plaintext
