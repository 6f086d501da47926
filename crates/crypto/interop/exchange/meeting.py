"""Two devices that know each other: ours, and one of the program."""

import time
from dataclasses import dataclass

from conclave.account import Device, OwnDevice, entry_hash, new_account, verify_chain

from .program import Correspondent, Program


@dataclass(frozen=True)
class Meeting:
    own: OwnDevice
    other: Device
    other_bundle: bytes
    correspondent: Correspondent


def meet(program: Program, conversation: int, last_resort: bool = False) -> Meeting:
    """New accounts on both sides; each verifies the other's chain."""
    correspondent = Correspondent(program, conversation)
    answer = correspondent.ask("device", last_resort=last_resort)
    other = verify_chain(entry_hash(answer["entry"]), [answer["entry"]])
    own, entry = new_account(now())
    correspondent.ask("meet", entry=entry)
    return Meeting(own, other, answer["bundle"], correspondent)


def now() -> int:
    return time.time_ns() // 1_000_000
