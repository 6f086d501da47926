"""Recomputes the committed vectors: every value from the secrets, every refusal as a refusal."""

from collections.abc import Awaitable, Callable

from . import (
    attachments,
    content,
    handshake,
    linking,
    places,
    ratchet,
    reports,
    rooms,
    safety,
    sigchain,
    vault,
)
from .common import Counts, Json

FILES: dict[str, Callable[[Json], Awaitable[Counts]]] = {
    "handshake.json": handshake.check,
    "ratchet.json": ratchet.check,
    "content.json": content.check,
    "sender_keys.json": rooms.check,
    "attachments.json": attachments.check,
    "vault.json": vault.check,
    "linking.json": linking.check,
    "safety_numbers.json": safety.check,
    "sigchain.json": sigchain.check,
    "places.json": places.check,
    "franking.json": reports.check,
}
