"""Chains of groups and communities: their entries, what holds of every one, and the bytes of a state.

Whether a role allows an act is not judged here, only what the page says of every entry: form, order, signatures,
proofs, who is a member, and who owns the place.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from . import Refused
from .account import entry_hash, write_entry
from .encoding import Reader, hash_of, hash_parts, label, optional, start, u8, u32, u64, variable
from .primitives import ZEROS, check_ed25519, hkdf, verify

ENTRY_MAX = 16 * 1024
PERMISSIONS = (1 << 27) - 1
LIMITS = {"reason": 1024, "name": 2048, "nickname": 256, "value": 4096}

# The bodies, as the table of the page has them: for each kind its name and its fields.
BODIES: dict[int, tuple[str, list[tuple[str, str]]]] = {
    0: (
        "create",
        [("place_kind", "place_kind"), ("nonce", "16"), ("everyone", "permissions"), ("policy", "policy")],
    ),
    1: ("define role", [("rank", "rank"), ("permissions", "permissions"), ("sealed", "name")]),
    2: (
        "update role",
        [("role", "u32"), ("rank", "rank"), ("permissions", "permissions"), ("sealed", "name")],
    ),
    3: ("remove role", [("role", "u32")]),
    4: ("set roles", [("account", "32"), ("roles", "roles")]),
    5: (
        "invite",
        [("key", "32"), ("uses", "uses"), ("expires", "maybe_u64"), ("approval", "flag"), ("roles", "roles")],
    ),
    6: ("revoke invite", [("invite", "u32")]),
    7: ("join", [("invite", "u32"), ("proof", "64")]),
    8: ("request", [("invite", "u32"), ("proof", "64")]),
    9: ("approve", [("account", "32")]),
    10: ("decline", [("account", "32")]),
    11: ("add", [("account", "32"), ("head", "head"), ("roles", "roles")]),
    12: ("leave", [("closings", "closings")]),
    13: ("remove", [("account", "32"), ("sealed", "reason"), ("closings", "closings")]),
    14: ("ban", [("account", "32"), ("sealed", "reason"), ("closings", "closings")]),
    15: ("unban", [("account", "32")]),
    16: ("mute until", [("account", "32"), ("until", "u64"), ("sealed", "reason")]),
    17: ("policy", [("channel", "maybe_u32"), ("policy", "policy")]),
    18: ("metadata", [("field", "field"), ("sealed", "value")]),
    19: ("nickname", [("account", "32"), ("sealed", "nickname")]),
    20: (
        "create channel",
        [
            ("channel_kind", "channel_kind"),
            ("category", "maybe_u32"),
            ("position", "u16"),
            ("readers", "audience"),
            ("sealed", "name"),
            ("policy", "policy"),
        ],
    ),
    21: (
        "update channel",
        [
            ("channel", "u32"),
            ("category", "maybe_u32"),
            ("position", "u16"),
            ("readers", "audience"),
            ("sealed", "name"),
        ],
    ),
    22: ("delete channel", [("channel", "u32")]),
    23: ("create category", [("position", "u16"), ("sealed", "name")]),
    24: ("update category", [("category", "u32"), ("position", "u16"), ("sealed", "name")]),
    25: ("delete category", [("category", "u32")]),
    26: ("transfer", [("account", "32")]),
    27: ("observe", [("account", "32"), ("head", "head"), ("closings", "closings")]),
    28: ("checkpoint", [("state", "32")]),
    29: ("close", []),
}


def u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def read_u16(reader: Reader) -> int:
    return int.from_bytes(reader.fixed(2), "big")


def _below(reader: Reader, bound: int) -> int:
    number = reader.u8()
    if number >= bound:
        raise Refused("a number without a meaning")
    return number


def _flag(reader: Reader) -> bool:
    return _below(reader, 2) == 1


def _permissions(reader: Reader) -> int:
    bits = reader.u64()
    if bits & ~PERMISSIONS:
        raise Refused("a permission without a meaning")
    return bits


def _ascending(keys: list[Any]) -> None:
    if any(one >= two for one, two in pairwise(keys)):
        raise Refused("a list out of order")


def _roles(reader: Reader) -> list[int]:
    count = reader.u8()
    if count >= 64:
        raise Refused("too many roles")
    roles = [reader.u32() for _ in range(count)]
    _ascending(roles)
    return roles


def _write_roles(roles: list[int]) -> bytes:
    return u8(len(roles)) + b"".join(u32(role) for role in roles)


def _audience(reader: Reader) -> list[int] | None:
    return _roles(reader) if _flag(reader) else None


def _write_audience(roles: list[int] | None) -> bytes:
    return u8(0) if roles is None else u8(1) + _write_roles(roles)


Head = tuple[int, bytes]


def _head(reader: Reader) -> Head:
    return reader.u32(), reader.fixed(32)


def _write_head(head: Head) -> bytes:
    return u32(head[0]) + head[1]


def _closings(reader: Reader) -> list[tuple[bytes, int, bytes]]:
    count = read_u16(reader)
    if count > 256:
        raise Refused("too many closed chains")
    closings = [(reader.fixed(16), reader.u32(), reader.fixed(32)) for _ in range(count)]
    _ascending([closing[0] for closing in closings])
    return closings


def _write_closings(closings: list[tuple[bytes, int, bytes]]) -> bytes:
    return u16(len(closings)) + b"".join(chain + u32(number) + last for chain, number, last in closings)


@dataclass(frozen=True)
class Uses:
    """History, disappearing, slow mode; read-only, archived, keep nothing."""

    history: int
    disappearing: int
    slow_mode: int
    flags: tuple[bool, bool, bool]

    def write(self) -> bytes:
        flags = b"".join(u8(flag) for flag in self.flags)
        return u8(self.history) + u32(self.disappearing) + u16(self.slow_mode) + flags


def _uses(reader: Reader) -> Uses:
    history, disappearing, slow_mode = _below(reader, 2), reader.u32(), read_u16(reader)
    flags = (_flag(reader), _flag(reader), _flag(reader))
    if disappearing > 366 * 24 * 3600 or slow_mode > 6 * 3600:
        raise Refused("a timer beyond its limit")
    return Uses(history, disappearing, slow_mode, flags)


Policy = tuple[Uses, list[int] | None]


def _maybe(reader: Reader, size: int) -> int | None:
    data = reader.optional(size)
    return None if data is None else int.from_bytes(data, "big")


def _write_maybe(value: int | None, size: int) -> bytes:
    return optional(None if value is None else value.to_bytes(size, "big"))


def _read_field(reader: Reader, shape: str) -> Any:
    match shape:
        case "16" | "32" | "64":
            return reader.fixed(int(shape))
        case "u16":
            return read_u16(reader)
        case "rank":
            rank = read_u16(reader)
            if rank > 1000:
                raise Refused("a rank beyond its limit")
            return rank
        case "u32":
            return reader.u32()
        case "u64":
            return reader.u64()
        case "uses":
            uses = _maybe(reader, 4)
            if uses == 0:
                raise Refused("an invite for nobody")
            return uses
        case "maybe_u32":
            return _maybe(reader, 4)
        case "maybe_u64":
            return _maybe(reader, 8)
        case "flag":
            return _flag(reader)
        case "place_kind":
            return _below(reader, 2)
        case "channel_kind":
            return _below(reader, 4)
        case "field":
            return _below(reader, 6)
        case "permissions":
            return _permissions(reader)
        case "roles":
            return _roles(reader)
        case "audience":
            return _audience(reader)
        case "head":
            return _head(reader)
        case "closings":
            return _closings(reader)
        case "policy":
            return _uses(reader), _audience(reader)
    return reader.variable(LIMITS[shape])


def _write_field(shape: str, value: Any) -> bytes:
    match shape:
        case "16" | "32" | "64":
            return value
        case "u16" | "rank":
            return u16(value)
        case "u32":
            return u32(value)
        case "u64" | "permissions":
            return u64(value)
        case "uses" | "maybe_u32":
            return _write_maybe(value, 4)
        case "maybe_u64":
            return _write_maybe(value, 8)
        case "flag" | "place_kind" | "channel_kind" | "field":
            return u8(value)
        case "roles":
            return _write_roles(value)
        case "audience":
            return _write_audience(value)
        case "head":
            return _write_head(value)
        case "closings":
            return _write_closings(value)
        case "policy":
            uses, posting = value
            return uses.write() + _write_audience(posting)
    return variable(value)


@dataclass(frozen=True)
class Entry:
    """An entry as it is signed."""

    place: bytes | None
    sequence: int
    previous: bytes | None
    account: bytes
    device: int
    head: Head
    key: bytes
    time: int
    kind: int
    body: dict[str, Any]

    def signed_bytes(self) -> bytes:
        fields = b"".join(_write_field(shape, self.body[name]) for name, shape in BODIES[self.kind][1])
        return (
            start("room-entry")
            + u8(1)
            + optional(self.place)
            + u32(self.sequence)
            + optional(self.previous)
            + self.account
            + u32(self.device)
            + _write_head(self.head)
            + self.key
            + u64(self.time)
            + u8(self.kind)
            + fields
        )


def read_entry(data: bytes) -> tuple[Entry, bytes, bytes]:
    """Entry, signed bytes, signature. Only the form is checked."""
    outer = Reader(data)
    outer.start("entry-hash")
    signed, signature = outer.variable(ENTRY_MAX), outer.fixed(64)
    outer.end()
    reader = Reader(signed)
    reader.start("room-entry")
    if reader.u8() != 1:
        raise Refused("an entry of another version")
    place, sequence, previous = reader.optional(32), reader.u32(), reader.optional(32)
    account, device, head, key = reader.fixed(32), reader.u32(), _head(reader), reader.fixed(32)
    time, kind = reader.u64(), reader.u8()
    if kind not in BODIES:
        raise Refused("an entry of an unknown kind")
    body = {name: _read_field(reader, shape) for name, shape in BODIES[kind][1]}
    reader.end()
    if kind == 0 and body["policy"][1] is not None:
        raise Refused("a role that does not exist")
    return Entry(place, sequence, previous, account, device, head, key, time, kind, body), signed, signature


def invite_seed(link: bytes) -> bytes:
    return hkdf(ZEROS, link, label("room-invite-key"), 32)


def proof_bytes(entry: Entry) -> bytes:
    assert entry.place is not None
    return (
        start("room-join") + entry.place + u32(entry.body["invite"]) + entry.account + _write_head(entry.head)
    )


def channel_room(place: bytes, channel: int) -> bytes:
    return hash_parts("room-channel", [place, u32(channel)])


@dataclass
class Chain:
    """What holds of a chain whatever its roles say."""

    place: bytes
    kind: int
    owner: bytes
    head: int
    head_hash: bytes
    time: int
    members: set[bytes] = field(default_factory=set)
    requests: set[bytes] = field(default_factory=set)
    bans: set[bytes] = field(default_factory=set)
    invites: dict[int, dict[str, Any]] = field(default_factory=dict)
    channels: set[int] = field(default_factory=set)
    heads: dict[bytes, Head] = field(default_factory=dict)
    devices: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    closed: bool = False

    def append(self, data: bytes) -> None:
        """A refusal may leave traces here; the chain is then thrown away."""
        entry, signed, signature = read_entry(data)
        if (entry.place, entry.sequence, entry.previous) != (self.place, self.head + 1, self.head_hash):
            raise Refused("not the next entry of this chain")
        if self.closed or entry.time < self.time:
            raise Refused("after the end, or before the entry before")
        self._claims(entry)
        check_ed25519(entry.key)
        verify(entry.key, signed, signature)
        self._happens(entry)
        self.head, self.head_hash, self.time = entry.sequence, entry_hash(data), entry.time

    def _claims(self, entry: Entry) -> None:
        if self.devices.setdefault((entry.account, entry.device), entry.key) != entry.key:
            raise Refused("a device has one key")
        if entry.device > entry.head[0]:
            raise Refused("a device above the head")
        self._names(entry.account, entry.head)

    def _names(self, account: bytes, head: Head) -> None:
        known = self.heads.get(account)
        if known is not None and (head[0] < known[0] or (head[0] == known[0] and head != known)):
            raise Refused("a head that is older than a known one, or another")
        self.heads[account] = head

    def _happens(self, entry: Entry) -> None:
        by, body = entry.account, entry.body
        name = BODIES[entry.kind][0]
        if name not in ("join", "request", "leave") and by not in self.members:
            raise Refused("for members")
        if name in ("transfer", "checkpoint", "close") and by != self.owner:
            raise Refused("for the owner")
        match name:
            case "create":
                raise Refused("a second beginning")
            case "invite":
                check_ed25519(body["key"])
                self.invites[entry.sequence] = {**body, "by": by}
            case "revoke invite":
                self._take(self.invites, body["invite"])
            case "join" | "request":
                self._comes(entry, name == "request")
            case "approve":
                self._waits(body["account"])
                self._enters(body["account"])
            case "decline":
                self._waits(body["account"])
            case "add":
                if body["account"] in self.members | self.bans:
                    raise Refused("a member already, or banned")
                self._names(body["account"], body["head"])
                self.requests.discard(body["account"])
                self._enters(body["account"])
            case "leave":
                if by == self.owner or by not in self.members | self.requests:
                    raise Refused("the owner stays, and who is not in does not leave")
                self.requests.discard(by)
                self._departs(by)
            case "remove" | "ban":
                self._puts_out(name, by, body["account"])
            case "unban":
                if body["account"] not in self.bans:
                    raise Refused("not banned")
                self.bans.discard(body["account"])
            case "transfer":
                if body["account"] == by or body["account"] not in self.members:
                    raise Refused("to another member")
                self.owner = body["account"]
            case "observe":
                if body["account"] not in self.members:
                    raise Refused("of a member")
                self._names(body["account"], body["head"])
            case "create channel":
                if self.kind == 0:
                    raise Refused("a group has no channels")
                self.channels.add(entry.sequence)
            case "delete channel":
                if body["channel"] not in self.channels:
                    raise Refused("no such channel")
                self.channels.discard(body["channel"])
            case "close":
                self.closed = True

    def _comes(self, entry: Entry, asks: bool) -> None:
        by, number = entry.account, entry.body["invite"]
        if by in self.members | self.bans or (asks and by in self.requests):
            raise Refused("a member already, asking already, or banned")
        invite = self.invites.get(number)
        if invite is None or invite["approval"] != asks:
            raise Refused("no such invite")
        if invite["expires"] is not None and entry.time > invite["expires"]:
            raise Refused("an invite that ended")
        verify(invite["key"], proof_bytes(entry), entry.body["proof"])
        if invite["uses"] is not None:
            invite["uses"] -= 1
            if invite["uses"] == 0:
                del self.invites[number]
        if asks:
            self.requests.add(by)
        else:
            self.requests.discard(by)
            self._enters(by)

    def _enters(self, account: bytes) -> None:
        self.members.add(account)

    def _waits(self, account: bytes) -> None:
        if account not in self.requests:
            raise Refused("nobody who asked")
        self.requests.discard(account)

    def _puts_out(self, name: str, by: bytes, account: bytes) -> None:
        if account in (by, self.owner):
            raise Refused("nobody puts out the owner, or themselves")
        if name == "remove" and account not in self.members:
            raise Refused("no member")
        if name == "ban":
            if account in self.bans:
                raise Refused("banned already")
            self.bans.add(account)
            self.requests.discard(account)
        self._departs(account)

    def _departs(self, account: bytes) -> None:
        self.members.discard(account)
        self.invites = {number: invite for number, invite in self.invites.items() if invite["by"] != account}

    @staticmethod
    def _take(table: dict[int, Any], number: int) -> None:
        if table.pop(number, None) is None:
            raise Refused("nothing of this number")


def verify_whole(place: bytes, entries: list[bytes]) -> Chain:
    if not entries:
        raise Refused("no entry")
    first, signed, signature = read_entry(entries[0])
    if first.kind != 0 or first.place is not None or first.previous is not None or first.sequence:
        raise Refused("not a beginning")
    check_ed25519(first.key)
    verify(first.key, signed, signature)
    identifier = entry_hash(entries[0])
    if identifier != place:
        raise Refused("the chain of another place")
    chain = Chain(place, first.body["place_kind"], first.account, 0, identifier, first.time)
    chain._claims(first)
    chain._enters(first.account)
    for entry in entries[1:]:
        chain.append(entry)
    return chain


@dataclass(frozen=True)
class State:
    """What the bytes of a state say of what a chain knows, too."""

    place: bytes
    kind: int
    sequence: int
    head: bytes
    time: int
    owner: bytes
    closed: bool
    epoch: int
    members: list[bytes]
    channels: dict[int, int]


def state_hash(state: bytes) -> bytes:
    return hash_of("room-state", state)


def _list(reader: Reader, item: Any) -> list[Any]:
    items = [item(reader) for _ in range(reader.u32())]
    _ascending([one[0] for one in items])
    return items


def _grants(reader: Reader) -> tuple[int, list[int]]:
    bits = reader.u64()
    return bits, [reader.u32() for _ in range(bits.bit_count())]


def _kept_policy(reader: Reader) -> tuple[Uses, int, bytes | None]:
    return _uses(reader), reader.u32(), reader.optional(8)


def _known(reader: Reader) -> tuple[Any, ...]:
    account, head, observed, muted = reader.fixed(32), _head(reader), reader.u32(), reader.u64()
    devices = _list(
        reader,
        lambda reader: (reader.u32(), reader.fixed(32), reader.u32(), _head(reader), _head(reader)),
    )
    return account, head, observed, muted, devices


def _member(reader: Reader) -> tuple[Any, ...]:
    account, joined, grants = reader.fixed(32), reader.u32(), _grants(reader)
    nickname = (reader.variable(256), reader.u32()) if _flag(reader) else None
    return account, joined, grants, nickname


def _channel(reader: Reader) -> tuple[Any, ...]:
    number, kind, category, position = reader.u32(), _below(reader, 4), _maybe(reader, 4), read_u16(reader)
    name, named, epoch = reader.variable(2048), reader.u32(), reader.u32()
    readers = _grants(reader) if _flag(reader) else reader.u32()
    return number, kind, category, position, name, named, epoch, readers, _kept_policy(reader)


def read_state(data: bytes) -> State:
    reader = Reader(data)
    reader.start("room-state")
    if reader.u8() != 1:
        raise Refused("a state of another version")
    place, kind = reader.fixed(32), _below(reader, 2)
    sequence, head, time = reader.u32(), reader.fixed(32), reader.u64()
    owner, _since = reader.fixed(32), reader.u32()
    closed, _checkpoint, epoch = _flag(reader), reader.u32(), reader.u32()
    _kept_policy(reader)
    roles = _list(
        reader,
        lambda reader: (
            reader.u8(),
            reader.u32(),
            read_u16(reader),
            _permissions(reader),
            reader.variable(2048),
            reader.u32(),
        ),
    )
    members = _list(reader, _member)
    accounts = _list(reader, _known)
    bans = _list(reader, lambda reader: (reader.fixed(32), reader.fixed(32), reader.u32()))
    _list(
        reader,
        lambda reader: (
            reader.u32(),
            reader.fixed(32),
            reader.fixed(32),
            _maybe(reader, 4),
            _maybe(reader, 8),
            _flag(reader),
            reader.u64(),
        ),
    )
    _list(reader, lambda reader: (reader.fixed(32), reader.u32(), reader.u32(), reader.u64()))
    _list(reader, lambda reader: (reader.u32(), read_u16(reader), reader.variable(2048), reader.u32()))
    channels = _list(reader, _channel)
    _list(reader, lambda reader: (_below(reader, 6), reader.variable(4096), reader.u32()))
    reader.end()
    inside = [member[0] for member in members]
    if owner not in inside:
        raise Refused("the owner is a member")
    if not roles or roles[0][:3] != (0, 0, 0):
        raise Refused("the role of everyone is the first")
    if not {*inside} <= {account[0] for account in accounts} or {*inside} & {ban[0] for ban in bans}:
        raise Refused("members are known and not banned")
    if kind == 0 and channels:
        raise Refused("a group has no channels")
    epochs = {channel[0]: channel[6] for channel in channels}
    return State(place, kind, sequence, head, time, owner, closed, epoch, inside, epochs)


__all__ = [
    "Chain",
    "Entry",
    "State",
    "channel_room",
    "entry_hash",
    "invite_seed",
    "proof_bytes",
    "read_entry",
    "read_state",
    "state_hash",
    "verify_whole",
    "write_entry",
]
