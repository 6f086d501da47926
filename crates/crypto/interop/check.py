"""Checks Conclave's formats with the independent implementation beside this file.

    python check.py vectors <folder>      recomputes the committed vectors
    python check.py exchange <program>    talks with `conclave-vectors exchange`, on fresh randomness

Prints how much of which kind held, and fails loudly at the first difference.
"""

import asyncio
import json
import random
import secrets
import sys
from collections import Counter
from pathlib import Path

from exchange import rooms, sessions, stored
from exchange.program import Program
from recompute import FILES
from recompute.common import Counts


async def check_vectors(folder: Path) -> Counts:
    known, found = set(FILES), {path.name for path in folder.glob("*.json")}
    if known != found:
        raise AssertionError(f"the folder and this program know different files: {sorted(known ^ found)}")
    counts: Counts = Counter()
    for name, check in FILES.items():
        counts.update(await check(json.loads((folder / name).read_text())["vectors"]))
    return counts


async def check_exchange(path: Path) -> Counts:
    # Keys are fresh in any case; the seed repeats what the mailboxes did.
    seed = secrets.randbits(64)
    print(f"the mailboxes follow seed {seed}")
    chance = random.Random(seed)
    counts: Counts = Counter()
    with Program(path) as program:
        for check in (sessions.check, rooms.check, stored.check):
            counts.update(await check(program, chance))
    return counts


def main() -> None:
    match sys.argv[1:]:
        case ["vectors", folder]:
            word, counts = "vectors", asyncio.run(check_vectors(Path(folder)))
        case ["exchange", program]:
            word, counts = "cases", asyncio.run(check_exchange(Path(program)))
        case _:
            sys.exit(__doc__)
    for kind, count in sorted(counts.items()):
        print(f"{word}: {kind} {count}")


if __name__ == "__main__":
    main()
