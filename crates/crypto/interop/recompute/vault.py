"""vault.json"""

from collections import Counter

from conclave.vault import (
    Log,
    Slot,
    open_record,
    read_slot,
    record_hash,
    record_name,
    unwrap_key,
    wrap_key,
    write_slot,
)

from .common import Counts, Json, altered, device, refusing, same, unhex


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    own = device(vectors["device"])
    keys = [unhex(key) for key in vectors["vault_keys"]]
    slots: list[Slot] = []
    for vector in vectors["slots"]:
        data = write_slot(own, vector["kind"], unhex(vector["secret"]), vector["created"])
        same("the slot", data, unhex(vector["slot"]))
        slots.append(read_slot(data, own.public))
        same("the slot's hash", slots[-1].hash, unhex(vector["slot_hash"]))
        counts["vault, slot"] += 1

    for vector in vectors["wrapped_keys"]:
        generation, slot = vector["generation"], slots[vector["slot"]]
        data = wrap_key(own, generation, keys[generation], slot, unhex(vector["randomness"]))
        same("the wrapped key", data, unhex(vector["wrapped_key"]))
        secret = unhex(vectors["slots"][vector["slot"]]["secret"])
        same("the vault key", unwrap_key(data, own.public, slot, secret), (generation, keys[generation]))
        counts["vault, wrapped key"] += 1

    log = Log(own.public.account)
    for vector in vectors["records"]:
        generation = vector["generation"]
        name = record_name(keys[0], vector["real_name"].encode())
        same("the name", name, unhex(vector["name"]))
        data = log.seal(generation, keys[generation], name, unhex(vector["content"]), unhex(vector["nonce"]))
        same("the record", data, unhex(vector["record"]))
        same("the record's version", log.append(data).version, vector["version"])
        same("the record's hash", record_hash(data), unhex(vector["record_hash"]))
        opened = open_record(data, own.public.account, generation, keys[generation], name)
        same("the content", opened, unhex(vector["content"]))
        counts["vault, record"] += 1
    same("the head", (log.count, log.head), (vectors["head"]["count"], unhex(vectors["head"]["hash"])))
    counts["vault, head"] += 1

    for refusal in vectors["refused_slots"]:
        data = altered(vectors["slots"][refusal["place"]]["slot"], refusal["altered"])
        with refusing("an altered slot"):
            read_slot(data, own.public)
        counts["vault, altered slot refused"] += 1
    for refusal in vectors["refused_wrapped_keys"]:
        vector = vectors["wrapped_keys"][refusal["place"]]
        data = altered(vector["wrapped_key"], refusal["altered"])
        secret = unhex(vectors["slots"][vector["slot"]]["secret"])
        with refusing("an altered wrapped key"):
            unwrap_key(data, own.public, slots[vector["slot"]], secret)
        counts["vault, altered wrapped key refused"] += 1
    for refusal in vectors["refused_records"]:
        vector = vectors["records"][refusal["place"]]
        data = altered(vector["record"], refusal["altered"])
        generation, name = vector["generation"], unhex(vector["name"])
        with refusing("an altered record"):
            open_record(data, own.public.account, generation, keys[generation], name)
        counts["vault, altered record refused"] += 1
    for refusal in vectors["refused_orders"]:
        records = [unhex(vectors["records"][place]["record"]) for place in refusal["order"]]
        with refusing("another order"):
            _append_all(own.public.account, records)
        counts["vault, order refused"] += 1
    return counts


def _append_all(account: bytes, records: list[bytes]) -> None:
    log = Log(account)
    for record in records:
        log.append(record)
