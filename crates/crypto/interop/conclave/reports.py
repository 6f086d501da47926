"""Reports: what a reader reveals of one message, and how it is judged."""

from . import Refused
from .content import message_hash, open_content
from .encoding import SUITE, VERSION, Reader, start, u8
from .primitives import same
from .rooms import RoomMessage, Statement, open_with

DIRECT = 0
ROOM = 1


def write_proof(kind: int, key: bytes) -> bytes:
    return start("franking-proof") + u8(VERSION) + u8(SUITE) + u8(kind) + key


def read_proof(data: bytes, kind: int) -> bytes:
    """The key, of a proof that must be of this kind."""
    reader = Reader(data)
    reader.start("franking-proof")
    reader.version_and_suite()
    found, key = reader.u8(), reader.fixed(32)
    reader.end()
    if found != kind:
        raise Refused("a proof for another kind of message")
    return key


def judge_direct(proof: bytes, tag: bytes, body: bytes, associated_data: bytes) -> bytes:
    key = read_proof(proof, DIRECT)
    if not same(message_hash(body, associated_data), tag):
        raise Refused("the tag names another message")
    return open_content(key, associated_data, body)


def judge_room(proof: bytes, tag: bytes, message: bytes, bound: bytes, statement: Statement) -> bytes:
    """`bound` is the caller's data on record, `statement` the verified one on the message's chain."""
    key = read_proof(proof, ROOM)
    opened = open_with(statement, key, RoomMessage.read(message), bound)
    if not same(opened.hash, tag):
        raise Refused("the tag names another message")
    return opened.content
