"""attachments.json"""

from collections import Counter

from conclave.attachments import Reference, open_file, seal_file
from conclave.primitives import sha256

from .common import Counts, Json, refusing, same, unhex


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    sealed = []
    for vector in vectors["files"]:
        sealed.append(_file(vector))
        counts["attachment"] += 1
    for refusal in vectors["refused_files"]:
        data = bytearray(sealed[refusal["file"]])
        if refusal["altered"] is not None:
            data[refusal["altered"]["position"]] ^= refusal["altered"]["xor"]
        if refusal["cut_to"] is not None:
            del data[refusal["cut_to"] :]
        reference = Reference.read(unhex(vectors["files"][refusal["file"]]["reference"]))
        with refusing(refusal["reason"]):
            open_file(reference, bytes(data))
        counts["attachment, altered refused"] += 1
    return counts


def _file(vector: Json) -> bytes:
    file = bytes(place % 251 for place in range(vector["length"]))
    reference, sealed = seal_file(file, unhex(vector["key"]), unhex(vector["salt"]))
    same("the reference", reference.to_bytes(), unhex(vector["reference"]))
    same("the length", len(sealed), vector["sealed_length"])
    same("the hash", sha256(sealed), unhex(vector["sealed_sha256"]))
    same("the first bytes", sealed[:120], unhex(vector["sealed_first"]))
    same("the last bytes", sealed[-60:], unhex(vector["sealed_last"]))
    same("the file", open_file(Reference.read(unhex(vector["reference"])), sealed), file)
    return sealed
