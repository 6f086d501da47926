"""Checks Conclave's formats with the independent implementation beside this file.

    python check.py vectors <folder>      recomputes the committed vectors
    python check.py exchange <program>    talks with `conclave-vectors exchange`, on fresh randomness

Prints how much of which kind held, and fails loudly at the first difference.
"""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

from recompute import FILES


async def check_vectors(folder: Path) -> Counter[str]:
    known, found = set(FILES), {path.name for path in folder.glob("*.json")}
    if known != found:
        raise AssertionError(f"the folder and this program know different files: {sorted(known ^ found)}")
    counts: Counter[str] = Counter()
    for name, check in FILES.items():
        counts.update(await check(json.loads((folder / name).read_text())["vectors"]))
    return counts


def main() -> None:
    match sys.argv[1:]:
        case ["vectors", folder]:
            counts = asyncio.run(check_vectors(Path(folder)))
        case _:
            sys.exit(__doc__)
    for kind, count in sorted(counts.items()):
        print(f"vectors: {kind} {count}")


if __name__ == "__main__":
    main()
