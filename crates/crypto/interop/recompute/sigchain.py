"""sigchain.json"""

from collections import Counter

from conclave.account import (
    AddDevice,
    Genesis,
    RotateRecovery,
    entry_hash,
    read_entry,
    recovery_signing_seed,
    verify_chain,
    verify_whole,
    write_entry,
)
from conclave.primitives import ed25519_public, sign

from .common import Counts, Json, refusing, same, unhex


async def check(vectors: Json) -> Counts:
    counts: Counts = Counter()
    for vector in vectors["genesis_entries"]:
        _genesis(vector)
        counts["account chain, genesis"] += 1
    for vector in vectors["chains"]:
        _whole(vector)
        counts["account chain, entries"] += len(vector["entries"])
    for vector in vectors["refused_chains"]:
        entries = [unhex(entry) for entry in vector["entries"]]
        with refusing(vector["why"]):
            verify_whole(unhex(vector["account"]), entries)
        counts["account chain refused"] += 1
    return counts


def _genesis(vector: Json) -> None:
    seed, entry = unhex(vector["signing_seed"]), unhex(vector["entry"])
    genesis, signed, signature = read_entry(entry)
    body = genesis.body
    if not isinstance(body, Genesis):
        raise TypeError("not a genesis entry")
    same("the signed bytes", genesis.signed_bytes(), signed)
    same("the signed bytes", signed, unhex(vector["signed_bytes"]))
    same("the signature", sign(seed, signed), signature)
    same("the entry", write_entry(signed, signature), entry)
    same("the time", genesis.time, vector["time"])
    same("the signing key", ed25519_public(seed), body.signing_key)
    same("the signing key", body.signing_key, unhex(vector["signing_key"]))
    same("the identity key", body.identity_key, unhex(vector["identity_key"]))
    recovery_seed = recovery_signing_seed(unhex(vector["recovery_key"]))
    same("the recovery seed", recovery_seed, unhex(vector["recovery_signing_seed"]))
    same("the recovery key", ed25519_public(recovery_seed), body.recovery_key)
    same("the account", entry_hash(entry), unhex(vector["account"]))
    same("the device", verify_chain(unhex(vector["account"]), [entry]).signing_key, body.signing_key)


def _whole(vector: Json) -> None:
    account = unhex(vector["account"])
    for step in vector["entries"]:
        data = unhex(step["entry"])
        entry, signed, signature = read_entry(data)
        same("the signed bytes", entry.signed_bytes(), signed)
        same("the signed bytes", signed, unhex(step["signed_bytes"]))
        same("the signature", sign(unhex(step["signing_seed"]), signed), signature)
        same("the entry", write_entry(signed, signature), data)
        same("the hash", entry_hash(data), unhex(step["hash"]))
        body = entry.body
        has_new_key = isinstance(body, AddDevice | RotateRecovery)
        same("a new key", has_new_key, step["possession_seed"] is not None)
        if isinstance(body, AddDevice | RotateRecovery):
            statement = body.statement(account)
            same("what a new key signs", statement, unhex(step["possession_bytes"]))
            same("its signature", sign(unhex(step["possession_seed"]), statement), body.possession)
    chain = verify_whole(account, [unhex(step["entry"]) for step in vector["entries"]])
    same("the head", chain.head, vector["head"])
    same("the head's hash", chain.head_hash, unhex(vector["head_hash"]))
    same("the active devices", sorted(chain.devices), vector["active_devices"])
    same("the recovery key", chain.recovery_key, unhex(vector["recovery_verifying_key"]))
    vault = chain.vault
    found = None if vault is None else [vault.generation, vault.records, len(vault.slots)]
    same("the vault", found, vector["vault"])
    same("whether it ended", chain.closed, vector["closed"])
