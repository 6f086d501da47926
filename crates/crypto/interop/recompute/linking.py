"""linking.json"""

from collections import Counter
from collections.abc import Callable

from conclave.linking import Code, NewDevice, OldDevice, read_commitment

from .common import Counts, Json, altered, maybe, refusing, same, unhex

Middle = Callable[[int, bytes], bytes]


def _play(drawn: Json, middle: Middle, typed: str | None = None) -> Json:
    """Both devices, with somebody between them; what travelled."""
    made: Json = {}
    new = NewDevice(
        unhex(drawn["link_id"]),
        unhex(drawn["new_seed"]),
        unhex(drawn["new_nonce"]),
        maybe(drawn["secret"]),
        unhex(drawn["signing_key"]) + unhex(drawn["identity_key"]),
    )
    made["code"] = new.code()
    first = middle(0, new.commitment())
    made["commitment"] = first.hex()
    link, commitment = read_commitment(first)
    secret = None
    if made["code"] is not None:
        code = Code.read(made["code"])
        link, commitment, secret = code.link, code.commitment, code.secret
    old = OldDevice(link, commitment, secret, unhex(drawn["old_seed"]), unhex(drawn["old_nonce"]))
    second = middle(1, old.answer())
    made["answer"] = second.hex()
    third = middle(2, new.reveal(second, unhex(drawn["to_old_randomness"])))
    made["reveal"] = third.hex()
    old.take_reveal(third)
    assert new.agreement is not None
    made["digits"] = new.agreement.digits() if secret is None else None
    old_end, fourth = old.grant(
        made["digits"] if typed is None else typed,
        unhex(drawn["grant_payload"]),
        unhex(drawn["to_new_randomness"]),
        unhex(drawn["grant_random"]),
    )
    fourth = middle(3, fourth)
    made["grant"] = fourth.hex()
    new_end, payload = new.open_grant(fourth)
    same("the grant's payload", payload, unhex(drawn["grant_payload"]))
    same("the transcript of the other side", old_end.transcript, new_end.transcript)
    made["transcript_hash"] = new_end.transcript.hex()
    made["messages"] = []
    for place, message in enumerate(drawn["messages"], 4):
        ends = (old_end, new_end) if message["is_to_new"] else (new_end, old_end)
        sealed = middle(place, ends[0].seal_message(unhex(message["payload"]), unhex(message["random"])))
        same("a payload", ends[1].open_message(sealed), unhex(message["payload"]))
        made["messages"].append(sealed.hex())
    return made


def _faithful(_: int, message: bytes) -> bytes:
    return message


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    links = vectors["links"]
    for link in links:
        made = _play(link["drawn"], _faithful)
        same("the names of what a link makes", made.keys(), link["made"].keys())
        for name, value in link["made"].items():
            same(name, made[name], value)
        counts["linking, link"] += 1
    for refusal in vectors["refused_messages"]:
        made = links[refusal["link"]]["made"]
        sent = [made["commitment"], made["answer"], made["reveal"], made["grant"], *made["messages"]]
        wrong = altered(sent[refusal["place"]], refusal["altered"])

        def middle(place: int, message: bytes, at: int = refusal["place"], wrong: bytes = wrong) -> bytes:
            return wrong if place == at else message

        with refusing("an altered message of a link"):
            _play(links[refusal["link"]]["drawn"], middle)
        counts["linking, altered message refused"] += 1
    for refusal in vectors["refused_digits"]:
        with refusing("other digits"):
            _play(links[refusal["link"]]["drawn"], _faithful, refusal["digits"])
        counts["linking, digits refused"] += 1
    for refusal in vectors["refused_codes"]:
        with refusing(refusal["why"]):
            Code.read(refusal["code"])
        counts["linking, code refused"] += 1
    return counts
