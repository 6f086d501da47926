"""A mailbox that loses, repeats and reorders, and damages copies of what it carries."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Letter = TypeVar("Letter")

LOSE, DELIVER, IN_ORDER, REPEAT, DAMAGE = 0.12, 0.6, 0.4, 0.25, 0.15


@dataclass
class Mailbox(Generic[Letter]):
    """What is on its way, in the order in which it was sent."""

    chance: random.Random
    waiting: list[Letter] = field(default_factory=list)
    lost: int = 0

    def put(self, letter: Letter) -> None:
        if self.chance.random() < LOSE:
            self.lost += 1
        else:
            self.waiting.append(letter)

    def deliveries(self, everything: bool = False) -> Iterator[Letter]:
        """Some of what waits, or all of it."""
        while self.waiting and (everything or self.chance.random() < DELIVER):
            first = self.chance.random() < IN_ORDER
            yield self.waiting.pop(0 if first else self.chance.randrange(len(self.waiting)))

    def repeats(self) -> bool:
        return self.chance.random() < REPEAT

    def damages(self) -> bool:
        return self.chance.random() < DAMAGE

    def damaged(self, data: bytes) -> bytes:
        """The data with one bit flipped."""
        altered = bytearray(data)
        altered[self.chance.randrange(len(altered))] ^= 1 << self.chance.randrange(8)
        return bytes(altered)
